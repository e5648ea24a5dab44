using System.Text.RegularExpressions;

namespace Cage.Packager;

/// <summary>A module manifest as data: strings, lists and tables, as the data language of PowerShell has them; nothing is run.</summary>
public static partial class Manifest
{
    /// <summary>Reads a manifest. A value is a string, a list of strings, or a table as this one.</summary>
    /// <exception cref="FormatException">It is more than data.</exception>
    public static IReadOnlyDictionary<string, object> Read(string path)
    {
        Queue<string> words = new(Word().Matches(File.ReadAllText(path)).Select(match => match.Value).Where(word => word[0] is not ('#' or ' ' or '\n' or '\r' or '\t')));
        return Value(words) as IReadOnlyDictionary<string, object> ?? throw new FormatException($"{path} is no manifest.");
    }

    private static object Value(Queue<string> words)
    {
        string word = Next(words);
        switch (word)
        {
            case "@{":
                Dictionary<string, object> table = new(StringComparer.OrdinalIgnoreCase);
                while (words.Peek() != "}")
                {
                    string key = Next(words);
                    if (Next(words) != "=") throw new FormatException($"'=' is missing after {key}.");
                    table.Add(key, Value(words));
                }
                words.Dequeue();
                return table;
            case "@(":
                List<string> list = [];
                while (words.Peek() != ")")
                {
                    if (words.Peek() == ",") words.Dequeue();
                    else list.Add((string)Value(words));
                }
                words.Dequeue();
                return list;
            default:
                return word[0] == '\'' ? word[1..^1].Replace("''", "'") : throw new FormatException($"{word} is no value.");
        }
    }

    private static string Next(Queue<string> words) => words.TryDequeue(out string? word) ? word : throw new FormatException("The manifest ends too early.");

    [GeneratedRegex(@"\s+|\#[^\n]*|@\{|@\(|[})=,]|'(?:[^']|'')*'|[A-Za-z]+|.")]
    private static partial Regex Word();
}
