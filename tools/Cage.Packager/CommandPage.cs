using System.Text.RegularExpressions;

namespace Cage.Packager;

/// <summary>One example of a page.</summary>
/// <param name="Title">What it is for.</param>
/// <param name="Setup">What is run before it by the tests; null for one that they do not run, which they refuse.</param>
/// <param name="Code">The lines to type.</param>
/// <param name="Output">What they show; null where the page does not say.</param>
/// <param name="Remarks">What there is to say about it.</param>
public sealed record Example(string Title, string? Setup, string Code, string? Output, IReadOnlyList<Block> Remarks);

/// <summary>A page of docs/cmdlets, the source of a cmdlet's help. docs/cmdlets/README.md says how it is written.</summary>
public sealed class CommandPage
{
    private static readonly string[] _sections = ["Description", "Parameters", "Inputs", "Outputs", "Examples", "Notes", "Related"];

    private readonly string _path;
    private readonly IReadOnlyList<Block> _blocks;

    private CommandPage(string path)
    {
        _path = path;
        _blocks = Markdown.Read(path);
        if (_blocks is not [Heading { Level: 1 } name, Paragraph synopsis, Heading { Level: 2 }, ..])
            throw new PageException(path, 1, "a page begins with the cmdlet's name as its heading, and its synopsis");
        Name = name.Text;
        Synopsis = Markdown.Plain(synopsis.Text);
        string[] there = [.. _blocks.OfType<Heading>().Where(heading => heading.Level == 2).Select(heading => heading.Text)];
        string[] wanted = [.. _sections.Where(section => section != "Notes" || there.Contains(section))];
        if (!there.SequenceEqual(wanted)) throw new PageException(path, 1, $"its sections are {string.Join(", ", there)}, and are to be {string.Join(", ", wanted)}");
        Description = Section("Description");
        Notes = there.Contains("Notes") ? Section("Notes") : [];
        Parameters = Parts("Parameters");
        Inputs = Parts("Inputs");
        Outputs = Parts("Outputs");
        Examples = [.. Parts("Examples").Select(part => Understand(part.Name, part.Text))];
        Related = [.. Section("Related").OfType<Item>().SelectMany(item => Markdown.Links(item.Text))];
    }

    /// <summary>The cmdlet's name.</summary>
    public string Name { get; }

    /// <summary>What it does, in a sentence.</summary>
    public string Synopsis { get; }

    /// <summary>What it does, at length.</summary>
    public IReadOnlyList<Block> Description { get; }

    /// <summary>Its parameters, with the hyphen.</summary>
    public IReadOnlyList<(string Name, IReadOnlyList<Block> Text)> Parameters { get; }

    /// <summary>What the pipeline may bring.</summary>
    public IReadOnlyList<(string Name, IReadOnlyList<Block> Text)> Inputs { get; }

    /// <summary>What it writes.</summary>
    public IReadOnlyList<(string Name, IReadOnlyList<Block> Text)> Outputs { get; }

    /// <summary>Its examples.</summary>
    public IReadOnlyList<Example> Examples { get; }

    /// <summary>What else there is to know.</summary>
    public IReadOnlyList<Block> Notes { get; }

    /// <summary>Other pages: words and target.</summary>
    public IReadOnlyList<(string Words, string Target)> Related { get; }

    /// <summary>Reads a page.</summary>
    /// <exception cref="PageException">It is not written as it should be.</exception>
    public static CommandPage Read(string path) => new(path);

    /// <summary>Reads all pages of a folder of documents, by name.</summary>
    public static IReadOnlyList<CommandPage> ReadAll(string docs) =>
        [.. Directory.GetFiles($"{docs}/cmdlets", "*-*.md").Order(StringComparer.Ordinal).Select(Read)];

    /// <summary>What follows a heading of the second level, up to the next one.</summary>
    private List<Block> Section(string name)
    {
        int start = _blocks.ToList().FindIndex(block => block is Heading { Level: 2 } heading && heading.Text == name);
        return [.. _blocks.Skip(start + 1).TakeWhile(block => block is not Heading { Level: 2 })];
    }

    /// <summary>A section by its headings of the third level.</summary>
    private List<(string Name, IReadOnlyList<Block> Text)> Parts(string section)
    {
        List<(string, IReadOnlyList<Block>)> parts = [];
        List<Block> left = Section(section);
        while (left.Count > 0)
        {
            if (left[0] is not Heading { Level: 3 } heading) throw new PageException(_path, left[0].Line, $"text of {section} that no heading stands over");
            List<Block> text = [.. left.Skip(1).TakeWhile(block => block is not Heading)];
            if (text.Count == 0) throw new PageException(_path, heading.Line, $"nothing is said about {heading.Text}");
            parts.Add((heading.Text, text));
            left.RemoveRange(0, text.Count + 1);
        }
        return parts;
    }

    /// <summary>What is to be run before an example that is run.</summary>
    private string SetupIn(Comment comment) => Regex.Match(comment.Text, @"^run( if [\w-]+(, [\w-]+)*)?( (on a terminal|until stopped|on a small host|by [\w.-]+))?(: *(?<setup>.*))?$") is { Success: true } match
        ? match.Groups["setup"].Value
        : throw new PageException(_path, comment.Line, "the comment before an example is: run [if COMMAND, ...] [on a terminal | until stopped | on a small host | by FILE][: what is to be run before it]");

    private Example Understand(string title, IReadOnlyList<Block> text)
    {
        string? setup = text[0] is Comment comment ? SetupIn(comment) : null;
        List<Block> rest = [.. text.Skip(setup is null ? 0 : 1)];
        if (rest.Count == 0 || rest[0] is not Code { Language: "powershell" } code) throw new PageException(_path, text[0].Line, "an example begins with a block of powershell");
        string? output = rest.Count > 1 && rest[1] is Code { Language: "text" } shown ? shown.Text : null;
        return new Example(title, setup, code.Text, output, [.. rest.Skip(output is null ? 1 : 2)]);
    }
}
