using System.IO.Compression;
using System.Xml.Linq;
using Cage.Packager;

namespace Cage.Module.Tests;

/// <summary>The package is one that NuGet's readers take, is the same for the same input, and keeps what can be executed so.</summary>
public sealed class PackageTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("cage-package-").FullName;

    public PackageTests()
    {
        Directory.CreateDirectory($"{Module}/bin/linux-x64");
        File.Copy($"{Repository.Root}/Cage.psd1", $"{Module}/Cage.psd1");
        File.Copy($"{Repository.Root}/module/icon.png", $"{Module}/icon.png");
        File.WriteAllText($"{Module}/bin/linux-x64/cage", "#!/bin/sh\n");
        File.SetUnixFileMode($"{Module}/bin/linux-x64/cage", (UnixFileMode)0x1ed);
    }

    private string Module => $"{_folder}/Cage/0.1.0";

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void ItHasTheManifestsWordsAndTheFilesWithTheirModes()
    {
        string package = Pack("one.nupkg");
        using ZipArchive zip = ZipFile.OpenRead(package);
        Assert.Equal(["Cage.nuspec", "Cage.psd1", "bin/linux-x64/cage", "icon.png", "[Content_Types].xml", "_rels/.rels"], zip.Entries.Select(entry => entry.FullName));
        using Stream nuspec = zip.GetEntry("Cage.nuspec")!.Open();
        XElement metadata = XDocument.Load(nuspec).Root!.Elements().Single();
        string Value(string name) => metadata.Elements().Single(element => element.Name.LocalName == name).Value;
        Assert.Equal(("Cage", (string)Repository.Manifest["ModuleVersion"], (string)Repository.Manifest["Description"]), (Value("id"), Value("version"), Value("description")));
        Assert.Equal("icon.png", Value("icon"));
        Assert.NotEmpty(Value("releaseNotes"));
        Assert.DoesNotContain(metadata.Elements(), element => element.Name.LocalName is "projectUrl" or "iconUrl");
        Assert.Empty(new[] { "PSModule", "Linux", "PSEdition_Core", "PSCmdlet_Get-Cage", "PSCommand_Get-Cage" }.Except(Value("tags").Split(' ')));
        ZipFile.ExtractToDirectory(package, $"{_folder}/unpacked");
        Assert.Equal((UnixFileMode)0x1ed, File.GetUnixFileMode($"{_folder}/unpacked/bin/linux-x64/cage"));
    }

    [Fact]
    public void TheSameInputGivesTheSamePackage() => Assert.Equal(File.ReadAllBytes(Pack("one.nupkg")), File.ReadAllBytes(Pack("two.nupkg")));

    [Fact]
    public void NuGetItselfTakesIt()
    {
        string feed = Directory.CreateDirectory($"{_folder}/feed").FullName;
        string said = Cage.Tests.Shell.Run("DOTNET_CLI_HOME=\"$home\" dotnet nuget push \"$package\" -s \"$feed\"", ("package", Pack("Cage.0.1.0.nupkg")), ("feed", feed), ("home", _folder), ("PATH", Environment.GetEnvironmentVariable("PATH")!));
        Assert.Contains("pushed", said);
        Assert.NotEmpty(Directory.GetFiles(feed, "*.nupkg", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData("@{ A = 'x' }", "A", "x")]
    [InlineData("# c\n@{\n  A = 'it''s' # c\n}", "A", "it's")]
    public void AManifestIsReadAsData(string text, string key, string value)
    {
        File.WriteAllText($"{_folder}/m.psd1", text);
        Assert.Equal(value, Manifest.Read($"{_folder}/m.psd1")[key]);
    }

    [Theory]
    [InlineData("@{ A = Get-Date }")]
    [InlineData("@{ A = 'x' ")]
    [InlineData("'x'")]
    public void AManifestThatIsMoreThanDataIsRefused(string text)
    {
        File.WriteAllText($"{_folder}/m.psd1", text);
        Assert.ThrowsAny<Exception>(() => Manifest.Read($"{_folder}/m.psd1"));
    }

    private string Pack(string name)
    {
        ModulePackage.Write(Module, $"{_folder}/{name}");
        return $"{_folder}/{name}";
    }
}
