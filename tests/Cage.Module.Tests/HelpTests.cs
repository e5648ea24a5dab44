using System.Xml.Linq;
using Cage.Packager;

namespace Cage.Module.Tests;

/// <summary>Whatever cmdlet there is has a page, whatever parameter it has is told of there, and what is made of the pages is what Get-Help reads.</summary>
public sealed class HelpTests : IDisposable
{
    private static readonly XNamespace _maml = "http://schemas.microsoft.com/maml/2004/10", _command = "http://schemas.microsoft.com/maml/dev/command/2004/10", _dev = "http://schemas.microsoft.com/maml/dev/2004/10";

    private readonly string _folder = Directory.CreateTempSubdirectory("cage-help-").FullName;

    public static TheoryData<string> Cmdlets => Repository.Cmdlets;

    public static TheoryData<string> Topics => [.. Directory.GetFiles($"{Repository.Docs}/about", "*.md").Select(path => Path.GetFileNameWithoutExtension(path))];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Cmdlets))]
    public void EveryParameterIsToldOfAndNoOther(string name)
    {
        string[] there = [.. Repository.Cmdlet(name).Parameters.Select(parameter => $"-{parameter.Name}").Order(StringComparer.Ordinal)];
        string[] told = [.. Repository.Page(name).Parameters.Select(part => part.Name).Order(StringComparer.Ordinal)];
        Assert.Equal(there, told);
    }

    [Theory]
    [MemberData(nameof(Cmdlets))]
    public void APageHasASynopsisAndThreeExamples(string name)
    {
        CommandPage page = Repository.Page(name);
        Assert.Equal(name, page.Name);
        Assert.EndsWith(".", page.Synopsis);
        Assert.NotEmpty(page.Description);
        Assert.NotEmpty(page.Inputs);
        Assert.NotEmpty(page.Outputs);
        Assert.True(page.Examples.Count >= 3, $"{name} has {page.Examples.Count} examples");
        Assert.Distinct(page.Examples.Select(example => example.Title));
        Assert.NotEmpty(page.Related);
    }

    [Theory]
    [MemberData(nameof(Cmdlets))]
    public void WhatAClassSaysThatItWritesStandsInItsPage(string name)
    {
        string[] said = [.. Repository.Cmdlet(name).OutputTypes.Where(type => type != "System.Void")];
        Assert.Empty(said.Except(Repository.Page(name).Outputs.Select(part => part.Name)));
    }

    /// <summary>Get-Help -Online takes the first link that has an address. Where there is none on the web, its error names the page in the module.</summary>
    [Theory]
    [InlineData("https://cage.example")]
    [InlineData(null)]
    public void TheOnlinePageIsACmdletsOwn(string? address)
    {
        HelpFiles.Write(Repository.Docs, _folder, address);
        XElement[] commands = [.. XDocument.Load($"{_folder}/en-US/{HelpFiles.CommandHelp}").Root!.Elements(_command + "command")];
        foreach (var (model, command) in CmdletModel.All.Zip(commands))
        {
            string[] addresses = [.. command.Descendants(_maml + "navigationLink").Select(link => link.Element(_maml + "uri")!.Value).Where(uri => uri.Length > 0)];
            Assert.Equal([$"{(address is null ? "module:" : $"{address}/")}docs/cmdlets/{model.Name}.md"], addresses);
        }
    }

    [Fact]
    public void NoPageIsOfACmdletThatIsNotThere() =>
        Assert.Equal(CmdletModel.All.Select(model => model.Name), CommandPage.ReadAll(Repository.Docs).Select(page => page.Name));

    [Fact]
    public void LinksLeadSomewhere()
    {
        foreach (string path in Directory.GetFiles(Repository.Docs, "*.md", SearchOption.AllDirectories).Append($"{Repository.Root}/README.md"))
            foreach (var (words, target) in Markdown.Links(File.ReadAllText(path)))
                Assert.True(target.Contains("://") || target.StartsWith('#') || Path.Exists($"{Path.GetDirectoryName(path)}/{target.Split('#')[0]}"), $"{path}: [{words}]({target}) leads nowhere");
    }

    [Fact]
    public void TheMarkupHasEveryCmdletWithEverySetAndParameter()
    {
        HelpFiles.Write(Repository.Docs, _folder);
        XElement[] commands = [.. XDocument.Load($"{_folder}/en-US/{HelpFiles.CommandHelp}").Root!.Elements(_command + "command")];
        Assert.Equal(CmdletModel.All.Select(model => model.Name), commands.Select(command => command.Element(_command + "details")!.Element(_command + "name")!.Value));
        foreach (var (model, command) in CmdletModel.All.Zip(commands))
        {
            Assert.Equal(model.Sets.Count, command.Element(_command + "syntax")!.Elements(_command + "syntaxItem").Count());
            string[] names = [.. command.Element(_command + "parameters")!.Elements(_command + "parameter").Select(parameter => parameter.Element(_maml + "name")!.Value)];
            Assert.Empty(model.Parameters.Select(parameter => parameter.Name).Except(names));
            Assert.Equal(model.SupportsShouldProcess, names.Contains("WhatIf"));
            foreach (XElement parameter in command.Descendants(_command + "parameter")) Assert.NotEmpty(parameter.Element(_maml + "description")!.Value.Trim());
            Assert.NotEmpty(command.Descendants(_dev + "code"));
        }
    }

    [Theory]
    [MemberData(nameof(Topics))]
    public void ATopicIsPlainTextOfEightyColumns(string topic)
    {
        string[] lines = AboutText.Of($"{Repository.Docs}/about/{topic}.md").Split('\n');
        Assert.Equal(["TOPIC", $"    {topic}", "", "SHORT DESCRIPTION"], lines[..4]);
        Assert.Contains("LONG DESCRIPTION", lines);
        Assert.All(lines, line => Assert.True(line.Length <= 80, $"{line.Length} columns: {line}"));
        Assert.All(lines, line => Assert.DoesNotMatch(@"`|\*\*|\]\(", line));
    }
}
