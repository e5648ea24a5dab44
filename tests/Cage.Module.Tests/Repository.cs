using System.Reflection;
using Cage.Packager;

namespace Cage.Module.Tests;

/// <summary>The files that the tests look at, and the cmdlets by name.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static string Docs => $"{Root}/docs";

    public static IReadOnlyDictionary<string, object> Manifest { get; } = Packager.Manifest.Read($"{Root}/Cage.psd1");

    /// <summary>The names of all cmdlets, for theories.</summary>
    public static TheoryData<string> Cmdlets { get; } = [.. CmdletModel.All.Select(model => model.Name)];

    public static CmdletModel Cmdlet(string name) => CmdletModel.All.Single(model => model.Name == name);

    public static CommandPage Page(string name)
    {
        string path = $"{Docs}/cmdlets/{name}.md";
        Assert.True(File.Exists(path), $"{name} has no page: {path} is missing");
        return CommandPage.Read(path);
    }

    private static string Find()
    {
        DirectoryInfo? folder = new(Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location)!);
        while (folder is not null && !File.Exists($"{folder.FullName}/Cage.slnx")) folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("The tests are not in the project's folder.");
    }
}
