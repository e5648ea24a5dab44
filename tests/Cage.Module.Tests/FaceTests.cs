using System.Text.RegularExpressions;
using Cage.Packager;

namespace Cage.Module.Tests;

/// <summary>What the engine advises is called by its name in either face: no user of the module is told of an option that it does not have.</summary>
public sealed partial class FaceTests
{
    /// <summary>Options there are those of the host's programs.</summary>
    private static readonly HashSet<string> _others = ["CommandTracer.cs", "DelegatedUnit.cs", "ScriptLine.cs"];

    public static TheoryData<string> Sources => [.. Directory.GetFiles($"{Repository.Root}/src/Cage.Engine", "*.cs", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(Repository.Root, path))];

    [Theory]
    [MemberData(nameof(Sources))]
    public void AnOptionIsNamedWithItsParameter(string source)
    {
        if (_others.Contains(Path.GetFileName(source))) return;
        string[] lines = File.ReadAllLines($"{Repository.Root}/{source}");
        Assert.DoesNotContain(lines, line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal) && Option().IsMatch(line) && !line.Contains("Face.Call("));
    }

    [Theory]
    [MemberData(nameof(Sources))]
    public void TheModuleHasWhatItIsToldOf(string source)
    {
        HashSet<string> parameters = [.. CmdletModel.All.SelectMany(model => model.Parameters).Select(parameter => parameter.Name)], cmdlets = [.. CmdletModel.All.Select(model => model.Name)];
        foreach (Match call in Call().Matches(File.ReadAllText($"{Repository.Root}/{source}")))
        {
            foreach (Match name in Cmdlet().Matches(call.Groups[1].Value)) Assert.Contains(name.Value, cmdlets);
            foreach (Match name in Parameter().Matches(call.Groups[1].Value)) Assert.Contains(name.Groups[1].Value, parameters);
        }
    }

    [GeneratedRegex(@""".*[""( ]--[a-z]")]
    private static partial Regex Option();

    [GeneratedRegex("""Face\.Call\(\$?".*?", \$?"(.*?)"\)""")]
    private static partial Regex Call();

    [GeneratedRegex(@"\b[A-Z][a-z]+-[A-Z][A-Za-z]+")]
    private static partial Regex Cmdlet();

    [GeneratedRegex("(?:^| )-([A-Z][A-Za-z]+)")]
    private static partial Regex Parameter();
}
