using System.Text;

namespace Cage.Packager;

/// <summary>An about_ topic as Get-Help shows it: plain text of at most 80 columns.</summary>
public static class AboutText
{
    private const int Width = 80;
    private const string Indent = "    ";

    /// <summary>Makes it of a page: a heading, a short description, and sections.</summary>
    /// <exception cref="PageException">It does not begin so.</exception>
    public static string Of(string path)
    {
        IReadOnlyList<Block> blocks = Markdown.Read(path);
        string topic = Path.GetFileNameWithoutExtension(path);
        if (blocks is not [Heading { Level: 1 } title, Paragraph summary, ..] || title.Text != topic)
            throw new PageException(path, 1, $"a topic begins with the heading {topic} and a short description");
        StringBuilder text = new();
        text.Append("TOPIC\n").Append(Indent).Append(topic).Append("\n\nSHORT DESCRIPTION\n");
        Append(text, Wrap(Markdown.Plain(summary.Text), Width - 4));
        text.Append("\nLONG DESCRIPTION\n");
        Block? before = null;
        foreach (Block block in blocks.Skip(2))
        {
            // The points of a list stand together; all else is apart.
            if (before is not null && !(block is Item && before is Item)) text.Append('\n');
            if (block is Heading heading) text.Append(heading.Text.ToUpperInvariant()).Append('\n');
            else Append(text, Lines(block));
            before = block is Heading ? null : block;
        }
        return text.ToString();
    }

    private static IEnumerable<string> Lines(Block block) => block switch
    {
        Paragraph paragraph => Wrap(Markdown.Plain(paragraph.Text), Width - 4),
        Item item => Wrap(Markdown.Plain(item.Text), Width - 6).Select((line, i) => i == 0 ? $"- {line}" : $"  {line}"),
        Code code => code.Text.Split('\n').Select(line => line.Length == 0 ? "" : $"{Indent}{line}"),
        Table table => TextTable.Lines(table),
        _ => [],
    };

    private static void Append(StringBuilder text, IEnumerable<string> lines)
    {
        foreach (string line in lines) text.Append(line.Length == 0 ? "" : Indent).Append(line).Append('\n');
    }

    private static IEnumerable<string> Wrap(string text, int width)
    {
        StringBuilder line = new();
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                yield return line.ToString();
                line.Clear();
            }
            if (line.Length > 0) line.Append(' ');
            line.Append(word);
        }
        if (line.Length > 0) yield return line.ToString();
    }
}

/// <summary>A table as lines of text.</summary>
internal static class TextTable
{
    public static IEnumerable<string> Lines(Table table)
    {
        string[][] rows = [.. table.Rows.Select(row => row.Select(Markdown.Plain).ToArray())];
        int[] widths = [.. rows[0].Select((_, column) => rows.Max(row => row[column].Length))];
        return rows.Select(row => string.Join("  ", row.Select((cell, column) => column == row.Length - 1 ? cell : cell.PadRight(widths[column]))).TrimEnd());
    }
}
