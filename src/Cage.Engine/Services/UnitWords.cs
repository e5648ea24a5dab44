using System.Buffers;
using System.Text;

namespace Cage.Engine.Services;

/// <summary>The words of a unit's line: quotes, escapes and variables as systemd.service(5) has them ("Command lines").</summary>
internal static class UnitWords
{
    private static readonly SearchValues<char> _nameCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

    /// <summary>Splits a line at its white space; quotes, double or single, keep it together.</summary>
    /// <param name="line">The line.</param>
    /// <param name="wrong">Makes the error of a problem.</param>
    public static IReadOnlyList<string> Split(string line, Func<string, CageException> wrong)
    {
        List<string> words = [];
        for (int i = 0; i < line.Length;)
        {
            if (char.IsWhiteSpace(line[i]))
            {
                i++;
                continue;
            }
            words.Add(Word(line, ref i, wrong));
        }
        return words;
    }

    /// <summary>What a word becomes: <c>${NAME}</c> is the variable's value, a word that is all <c>$NAME</c> the words of it, <c>$$</c> a dollar sign.</summary>
    public static IEnumerable<string> Expand(string word, IReadOnlyList<string> variables)
    {
        string Value(string name) => variables.LastOrDefault(variable => variable.StartsWith($"{name}=", StringComparison.Ordinal))?[(name.Length + 1)..] ?? "";
        if (word.Length > 1 && word[0] == '$' && word.AsSpan(1).IndexOfAnyExcept(_nameCharacters) < 0)
            return Value(word[1..]).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        StringBuilder text = new();
        for (int i = 0; i < word.Length; i++)
        {
            if (word[i] != '$' || i + 1 == word.Length) text.Append(word[i]);
            else if (word[i + 1] == '$') text.Append(word[++i]);
            else if (word[i + 1] == '{' && word.IndexOf('}', i) is int end and > 0) (_, i) = (text.Append(Value(word[(i + 2)..end])), end);
            else text.Append(word[i]);
        }
        return [text.ToString()];
    }

    private static string Word(string line, ref int i, Func<string, CageException> wrong)
    {
        StringBuilder word = new();
        char quote = '\0';
        for (; i < line.Length; i++)
        {
            char c = line[i];
            if (quote == '\0' && char.IsWhiteSpace(c)) break;
            if (quote != '\0' && c == quote) quote = '\0';
            else if (quote == '\0' && (c is '"' or '\'')) quote = c;
            else if (c == '\\') word.Append(Escape(line, ref i, wrong));
            else if (c == '%') word.Append(i + 1 < line.Length && line[++i] == '%' ? '%' : throw wrong("has a specifier (%), which is not supported"));
            else word.Append(c);
        }
        return quote == '\0' ? word.ToString() : throw wrong($"has a quote ({quote}) without an end");
    }

    private static char Escape(string line, ref int i, Func<string, CageException> wrong)
    {
        if (++i == line.Length) throw wrong("ends with a backslash");
        int at = "abfnrtv\\\"'s".IndexOf(line[i], StringComparison.Ordinal);
        return at < 0 ? throw wrong($"has the escape \\{line[i]}, which is not supported") : "\a\b\f\n\r\t\v\\\"' "[at];
    }
}
