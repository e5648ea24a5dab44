using System.Globalization;
using System.Xml.Linq;

namespace Cage.Packager;

/// <summary>Makes MAML, the markup of command help, from classes and pages: what can be read from a class stands in no page.</summary>
public static class MamlWriter
{
    private static readonly XNamespace _msh = "http://msh";
    private static readonly XNamespace _maml = "http://schemas.microsoft.com/maml/2004/10";
    private static readonly XNamespace _command = "http://schemas.microsoft.com/maml/dev/command/2004/10";
    private static readonly XNamespace _dev = "http://schemas.microsoft.com/maml/dev/2004/10";

    private static readonly (string Name, string Text)[] _common =
    [
        ("WhatIf", "Shows what would be done, and does nothing."),
        ("Confirm", "Asks before each thing that is done."),
    ];

    /// <summary>The whole file.</summary>
    /// <param name="commands">The cmdlets, each with its page.</param>
    /// <param name="address">What the links to the pages on the web begin with; null where they are nowhere.</param>
    public static XDocument Document(IEnumerable<(CmdletModel Cmdlet, CommandPage Page)> commands, string? address) => new(
        new XDeclaration("1.0", "utf-8", null),
        new XElement(_msh + "helpItems", new XAttribute("schema", "maml"), commands.Select(entry => Command(entry.Cmdlet, entry.Page, address))));

    private static XElement Command(CmdletModel cmdlet, CommandPage page, string? address)
    {
        Dictionary<string, IReadOnlyList<Block>> texts = page.Parameters.ToDictionary(part => part.Name.TrimStart('-'), part => part.Text);
        IReadOnlyList<Block> TextOf(ParameterModel parameter) => texts.GetValueOrDefault(parameter.Name) ?? [];
        return new XElement(
            _command + "command",
            new XAttribute(XNamespace.Xmlns + "maml", _maml), new XAttribute(XNamespace.Xmlns + "command", _command), new XAttribute(XNamespace.Xmlns + "dev", _dev),
            new XElement(
                _command + "details", new XElement(_command + "name", cmdlet.Name), new XElement(_command + "verb", cmdlet.Verb), new XElement(_command + "noun", cmdlet.Noun),
                new XElement(_maml + "description", Paragraph(page.Synopsis))),
            new XElement(_maml + "description", Paragraphs(page.Description)),
            new XElement(_command + "syntax", cmdlet.Sets.Select(set => new XElement(
                _command + "syntaxItem", new XElement(_maml + "name", cmdlet.Name),
                cmdlet.Syntax(set).Select(entry => Parameter(entry.Parameter, entry.Use, TextOf(entry.Parameter), isSyntax: true)),
                Common(cmdlet)))),
            new XElement(
                _command + "parameters",
                cmdlet.Parameters.OrderBy(parameter => parameter.Name, StringComparer.Ordinal)
                    .Select(parameter => Parameter(parameter, parameter.In(cmdlet.Sets[0]) ?? parameter.Uses[0], TextOf(parameter), isSyntax: false)),
                Common(cmdlet)),
            new XElement(_command + "inputTypes", page.Inputs.Select(part => Typed("inputType", part.Name, part.Text))),
            new XElement(_command + "returnValues", page.Outputs.Select(part => Typed("returnValue", part.Name, part.Text))),
            page.Notes.Count == 0 ? null : new XElement(_maml + "alertSet", new XElement(_maml + "alert", Paragraphs(page.Notes))),
            new XElement(_command + "examples", page.Examples.Select((example, i) => Example(example, i + 1))),
            new XElement(_command + "relatedLinks", Page(cmdlet.Name, address), page.Related.Select(link => Link(link.Words, ""))));
    }

    private static XElement Parameter(ParameterModel parameter, ParameterUse use, IReadOnlyList<Block> text, bool isSyntax) => new(
        _command + "parameter",
        new XAttribute("required", Word(use.Mandatory)),
        new XAttribute("variableLength", Word(parameter.Type.IsArray)),
        new XAttribute("globbing", Word(parameter.TakesWildcards)),
        new XAttribute("pipelineInput", (use.FromPipeline, use.FromProperty) switch
        {
            (true, true) => "True (ByValue, ByPropertyName)",
            (true, false) => "True (ByValue)",
            (false, true) => "True (ByPropertyName)",
            _ => "False",
        }),
        new XAttribute("position", use.Position?.ToString(CultureInfo.InvariantCulture) ?? "named"),
        new XAttribute("aliases", parameter.Aliases.Count == 0 ? "none" : string.Join(", ", parameter.Aliases)),
        new XElement(_maml + "name", parameter.Name),
        new XElement(_maml + "description", Paragraphs(text)),
        isSyntax && parameter.Type.IsEnum
            ? new XElement(_command + "parameterValueGroup", Enum.GetNames(parameter.Type).Select(name => Value(name, isArray: false)))
            : parameter.IsSwitch ? null : Value(parameter.TypeName, parameter.Type.IsArray),
        new XElement(_dev + "type", new XElement(_maml + "name", parameter.TypeName), new XElement(_maml + "uri")));

    private static IEnumerable<XElement> Common(CmdletModel cmdlet) => cmdlet.SupportsShouldProcess
        ? _common.Select(entry => new XElement(
            _command + "parameter",
            new XAttribute("required", "false"), new XAttribute("variableLength", "false"), new XAttribute("globbing", "false"), new XAttribute("pipelineInput", "False"),
            new XAttribute("position", "named"), new XAttribute("aliases", entry.Name == "WhatIf" ? "wi" : "cf"),
            new XElement(_maml + "name", entry.Name), new XElement(_maml + "description", Paragraph(entry.Text)),
            new XElement(_dev + "type", new XElement(_maml + "name", "SwitchParameter"), new XElement(_maml + "uri"))))
        : [];

    private static XElement Value(string name, bool isArray) =>
        new(_command + "parameterValue", new XAttribute("required", "true"), new XAttribute("variableLength", Word(isArray)), name);

    private static XElement Typed(string element, string name, IReadOnlyList<Block> text) => new(
        _command + element, new XElement(_dev + "type", new XElement(_maml + "name", name), new XElement(_maml + "uri")), new XElement(_maml + "description", Paragraphs(text)));

    private static XElement Example(Example example, int number) => new(
        _command + "example",
        new XElement(_maml + "title", $"--- Example {number}: {Markdown.Plain(example.Title)} ---"),
        new XElement(_dev + "code", example.Output is null ? example.Code : $"{example.Code}\n\n{example.Output}"),
        new XElement(_dev + "remarks", Paragraphs(example.Remarks)));

    /// <summary>The first link that has an address is what Get-Help -Online opens. It opens nothing but http and https, and names in its error what it was to open: so it tells
    /// where the page is that the module brings along.</summary>
    private static XElement Page(string cmdlet, string? address)
    {
        string page = $"docs/cmdlets/{cmdlet}.md";
        return address is null ? Link("Page in the module's folder (Show-Markdown):", $"module:{page}") : Link("Online Version:", $"{address}/{page}");
    }

    private static XElement Link(string words, string uri) =>
        new(_maml + "navigationLink", new XElement(_maml + "linkText", words), new XElement(_maml + "uri", uri));

    private static IEnumerable<XElement> Paragraphs(IEnumerable<Block> blocks) => blocks.SelectMany(Texts).Select(Paragraph);

    /// <summary>What is in columns keeps its lines, each as a paragraph of its own: Get-Help would join them.</summary>
    private static IEnumerable<string> Texts(Block block) => block switch
    {
        Paragraph paragraph => [Markdown.Plain(paragraph.Text)],
        Item item => [$"- {Markdown.Plain(item.Text)}"],
        Code code => code.Text.Split('\n').Select(line => $"    {line}"),
        Table table => TextTable.Lines(table),
        _ => [],
    };

    private static XElement Paragraph(string text) => new(_maml + "para", text);

    private static string Word(bool value) => value ? "true" : "false";
}
