using System.Xml.Linq;
using Cage.PowerShell;
using Cage.Packager;

namespace Cage.Module.Tests;

/// <summary>Whatever a cmdlet writes has views of its own, for tables, lists and wide ones, and no table is wider than a terminal.</summary>
public sealed class ViewTests
{
    private const int Widest = 120, Free = 20;

    private static readonly XElement _formats = Load("FormatsToProcess"), _types = Load("TypesToProcess");

    public static TheoryData<string> Written => [.. CmdletModel.All.SelectMany(model => model.OutputTypes).Where(type => type.StartsWith("Cage.", StringComparison.Ordinal) && !IsJob(type)).Distinct()];

    [Fact]
    public void TheManifestNamesEveryFileOfViewsAndTypes() => Assert.Equal(
        Directory.GetFiles($"{Repository.Root}/module", "*.ps1xml").Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal),
        new[] { "FormatsToProcess", "TypesToProcess" }.SelectMany(key => (IEnumerable<string>)Repository.Manifest[key]).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Written))]
    public void ATypeHasATableAListAndAWideView(string type)
    {
        string[] kinds = [.. Views(type).Elements().Select(element => element.Name.LocalName).Where(name => name.EndsWith("Control", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        Assert.Equal(["ListControl", "TableControl", "WideControl"], kinds);
    }

    [Theory]
    [MemberData(nameof(Written))]
    public void ATypeHasADefaultDisplaySet(string type)
    {
        XElement found = _types.Descendants("Type").Single(element => element.Element("Name")!.Value == type);
        XElement[] sets = [.. found.Descendants("PropertySet").Where(set => set.Element("Name")!.Value == "DefaultDisplayPropertySet")];
        Assert.All(Assert.Single(sets).Descendants("ReferencedProperties").Elements("Name").Select(name => name.Value), name => AssertThere(type, name, found));
    }

    [Theory]
    [MemberData(nameof(Written))]
    public void ViewsNamePropertiesThatAreThere(string type) =>
        Assert.All(Views(type).Descendants("PropertyName").Select(name => name.Value), name => AssertThere(type, name, null));

    [Theory]
    [MemberData(nameof(Written))]
    public void ATableFitsATerminal(string type)
    {
        foreach (XElement headers in Views(type).Descendants("TableHeaders"))
        {
            Assert.All(headers.Elements(), header => Assert.NotEmpty(header.Element("Label")!.Value));
            int[] widths = [.. headers.Elements().Select(header => (int?)header.Element("Width") ?? Free)];
            Assert.True(widths.Sum() + widths.Length - 1 <= Widest, $"the table of {type} is {widths.Sum() + widths.Length - 1} columns wide");
        }
    }

    [Fact]
    public void AStateIsShownWhole()
    {
        int longest = Enum.GetNames<Cage.Engine.State.CageState>().Max(name => name.Length);
        XElement[] columns = [.. _formats.Descendants("TableColumnHeader").Where(header => header.Element("Label")?.Value == "State")];
        Assert.NotEmpty(columns);
        Assert.All(columns, column => Assert.True((int)column.Element("Width")! >= longest));
    }

    /// <summary>Jobs have PowerShell's own views.</summary>
    private static bool IsJob(string type) => typeof(CageCmdlet).Assembly.GetType(type)?.BaseType?.Name.StartsWith("Job", StringComparison.Ordinal) == true;

    /// <summary>The files that the manifest names, as one.</summary>
    private static XElement Load(string key) =>
        new("Files", ((IEnumerable<string>)Repository.Manifest[key]).Select(file => XDocument.Load($"{Repository.Root}/module/{file}").Root));

    private static IEnumerable<XElement> Views(string type) =>
        _formats.Descendants("View").Where(view => view.Element("ViewSelectedBy")!.Elements("TypeName").Any(name => name.Value == type));

    private static void AssertThere(string type, string property, XElement? declared)
    {
        Type known = typeof(CageCmdlet).Assembly.GetType(type) ?? typeof(Cage.Engine.CageEngine).Assembly.GetType(type) ?? throw new InvalidOperationException($"There is no type {type}.");
        bool isThere = known.GetProperty(property) is not null || declared?.Element("Members")!.Elements().Any(member => member.Element("Name")?.Value == property) == true;
        Assert.True(isThere, $"{type} has no {property}");
    }
}
