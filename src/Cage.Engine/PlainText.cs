using System.Text;

namespace Cage.Engine;

/// <summary>Text that may be a name or a script's output, without what a terminal would obey.</summary>
public static class PlainText
{
    /// <summary>With the ends of its lines and its tabs.</summary>
    public static string Of(string text) => Without(text, static letter => char.IsControl(letter) && letter is not ('\n' or '\t'));

    /// <summary>In one line.</summary>
    public static string Line(string text) => Without(text, char.IsControl);

    private static string Without(string text, Predicate<char> isUnwanted)
    {
        ArgumentNullException.ThrowIfNull(text);
        int clean = 0;
        while (clean < text.Length && !isUnwanted(text[clean])) clean++;
        if (clean == text.Length) return text;
        StringBuilder plain = new();
        foreach (char letter in text) plain.Append(!isUnwanted(letter) ? letter : letter == '\n' ? "\\n" : $"\\x{(int)letter:x2}");
        return plain.ToString();
    }
}
