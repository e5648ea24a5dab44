using System.Text.RegularExpressions;

namespace Cage.Packager;

/// <summary>A page that is not as docs/cmdlets/README.md wants it: file, line, and what is wrong.</summary>
public sealed class PageException(string path, int line, string what) : Exception($"{path}:{line}: {what}");

/// <summary>A piece of a page.</summary>
/// <param name="Line">Where it begins, from 1.</param>
public abstract record Block(int Line);

/// <summary>A heading.</summary>
public sealed record Heading(int Line, int Level, string Text) : Block(Line);

/// <summary>Lines of running text, joined.</summary>
public sealed record Paragraph(int Line, string Text) : Block(Line);

/// <summary>One point of a list, its lines joined.</summary>
public sealed record Item(int Line, string Text) : Block(Line);

/// <summary>A fenced block.</summary>
public sealed record Code(int Line, string Language, string Text) : Block(Line);

/// <summary>A table, its header first.</summary>
public sealed record Table(int Line, IReadOnlyList<IReadOnlyList<string>> Rows) : Block(Line);

/// <summary>What a reader does not see.</summary>
public sealed record Comment(int Line, string Text) : Block(Line);

/// <summary>The little Markdown that the documents of this project use.</summary>
public static partial class Markdown
{
    /// <summary>Reads a file into its blocks.</summary>
    public static IReadOnlyList<Block> Read(string path)
    {
        string[] lines = File.ReadAllLines(path);
        List<Block> blocks = [];
        for (int i = 0; i < lines.Length; i++)
        {
            int start = i;
            string line = lines[i];
            if (line.Length == 0) continue;
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                while (++i < lines.Length && lines[i] != "```")
                {
                }
                if (i == lines.Length) throw new PageException(path, start + 1, "this block has no end");
                blocks.Add(new Code(start + 1, line[3..].Trim(), string.Join('\n', lines[(start + 1)..i])));
            }
            else if (line.StartsWith("<!--", StringComparison.Ordinal))
            {
                while (!lines[i].EndsWith("-->", StringComparison.Ordinal))
                    if (++i == lines.Length) throw new PageException(path, start + 1, "this comment has no end");
                blocks.Add(new Comment(start + 1, string.Join('\n', lines[start..(i + 1)])[4..^3].Trim()));
            }
            else if (HeadingLine().Match(line) is { Success: true } heading)
            {
                blocks.Add(new Heading(start + 1, heading.Groups[1].Length, heading.Groups[2].Value));
            }
            else if (line[0] == '|')
            {
                while (i + 1 < lines.Length && lines[i + 1].StartsWith('|')) i++;
                blocks.Add(new Table(start + 1, [.. lines[start..(i + 1)].Where(row => !RuleLine().IsMatch(row)).Select(Cells)]));
            }
            else
            {
                while (i + 1 < lines.Length && lines[i + 1].Length > 0 && !BeginsBlock(lines[i + 1])) i++;
                string text = string.Join(' ', lines[start..(i + 1)].Select(part => part.Trim()));
                blocks.Add(text.StartsWith("- ", StringComparison.Ordinal) ? new Item(start + 1, text[2..]) : new Paragraph(start + 1, text));
            }
        }
        return blocks;
    }

    /// <summary>Text without its marks: code, emphasis, and links, of which the words stay.</summary>
    public static string Plain(string text) => Link().Replace(text, "$1").Replace("**", "").Replace("`", "");

    /// <summary>The links of a text: words and target.</summary>
    public static IEnumerable<(string Words, string Target)> Links(string text) => Link().Matches(text).Select(match => (match.Groups[1].Value, match.Groups[2].Value));

    private static IReadOnlyList<string> Cells(string row) => [.. row.Trim().Trim('|').Split('|').Select(cell => cell.Trim())];

    private static bool BeginsBlock(string line) =>
        line.StartsWith("- ", StringComparison.Ordinal) || line.StartsWith("```", StringComparison.Ordinal) || line[0] == '|' || HeadingLine().IsMatch(line);

    [GeneratedRegex("^(#{1,4}) (.+)$")]
    private static partial Regex HeadingLine();

    [GeneratedRegex("^[|: -]+$")]
    private static partial Regex RuleLine();

    [GeneratedRegex(@"\[([^\]]+)\]\(([^)]+)\)")]
    private static partial Regex Link();
}
