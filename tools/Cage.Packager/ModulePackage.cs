using System.IO.Compression;
using System.Text;
using System.Xml.Linq;

namespace Cage.Packager;

/// <summary>A module as the package that repositories take and give: a zip with a nuspec made from the manifest. Unlike the ones that
/// Compress-PSResource makes, its entries keep their modes, so that <c>cage</c> can be executed where it is unpacked.</summary>
public static class ModulePackage
{
    private static readonly XNamespace _nuspec = "http://schemas.microsoft.com/packaging/2011/08/nuspec.xsd";
    private static readonly XNamespace _types = "http://schemas.openxmlformats.org/package/2006/content-types";
    private static readonly XNamespace _relations = "http://schemas.openxmlformats.org/package/2006/relationships";

    /// <summary>Beside the manifest, where a module has one.</summary>
    private const string Icon = "icon.png";

    /// <summary>The same input gives the same package: no time of this machine is in it.</summary>
    private static readonly DateTimeOffset _time = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Packs the module in a folder, <c>.../NAME/VERSION</c>.</summary>
    public static void Write(string module, string package)
    {
        module = Path.GetFullPath(module);
        string name = Path.GetFileName(Path.GetDirectoryName(module)!), nuspec = $"{name}.nuspec";
        string[] files = [.. Directory.GetFiles(module, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(module, file)).Order(StringComparer.Ordinal)];
        File.Delete(package);
        using ZipArchive zip = ZipFile.Open(package, ZipArchiveMode.Create);
        Add(zip, nuspec, Nuspec(name, Manifest.Read($"{module}/{name}.psd1"), files));
        foreach (string file in files) Add(zip, file, File.ReadAllBytes($"{module}/{file}"), File.GetUnixFileMode($"{module}/{file}"));
        Add(zip, "[Content_Types].xml", ContentTypes([nuspec, .. files]));
        Add(zip, "_rels/.rels", new XElement(
            _relations + "Relationships",
            new XElement(
                _relations + "Relationship", new XAttribute("Type", "http://schemas.microsoft.com/packaging/2010/07/manifest"), new XAttribute("Target", $"/{nuspec}"), new XAttribute("Id", "R0"))));
    }

    /// <summary>With the tags by which repositories find a module and its commands.</summary>
    private static XElement Nuspec(string name, IReadOnlyDictionary<string, object> manifest, IEnumerable<string> files)
    {
        IReadOnlyDictionary<string, object> data = Table(Table(manifest, "PrivateData"), "PSData");
        IEnumerable<string> cmdlets = List(manifest, "CmdletsToExport"), functions = List(manifest, "FunctionsToExport");
        string[] tags =
        [
            .. List(data, "Tags"), "PSModule",
            .. cmdlets.Select(cmdlet => $"PSCmdlet_{cmdlet}"), .. functions.Select(function => $"PSFunction_{function}"), .. cmdlets.Concat(functions).Select(command => $"PSCommand_{command}"),
        ];
        return new XElement(
            _nuspec + "package",
            new XElement(
                _nuspec + "metadata",
                new XElement(_nuspec + "id", name),
                new XElement(_nuspec + "version", manifest["ModuleVersion"]),
                new XElement(_nuspec + "authors", manifest["Author"]),
                new XElement(_nuspec + "owners", manifest["CompanyName"]),
                new XElement(_nuspec + "requireLicenseAcceptance", "false"),
                new XElement(_nuspec + "licenseUrl", data["LicenseUri"]),
                Optional("projectUrl", data.GetValueOrDefault("ProjectUri")),
                Optional("iconUrl", data.GetValueOrDefault("IconUri")),
                Optional("icon", files.Contains(Icon) ? Icon : null),
                new XElement(_nuspec + "description", manifest["Description"]),
                Optional("releaseNotes", data.GetValueOrDefault("ReleaseNotes")),
                new XElement(_nuspec + "copyright", manifest["Copyright"]),
                new XElement(_nuspec + "tags", string.Join(' ', tags))));
    }

    private static XElement? Optional(string element, object? value) => value is null ? null : new XElement(_nuspec + element, value);

    private static XElement ContentTypes(IEnumerable<string> files)
    {
        string[] extensions = [.. files.Select(file => Path.GetExtension(file).TrimStart('.')).Where(extension => extension.Length > 0).Append("rels").Distinct().Order(StringComparer.Ordinal)];
        return new XElement(
            _types + "Types",
            extensions.Select(extension => new XElement(_types + "Default", new XAttribute("Extension", extension), new XAttribute("ContentType", extension == "rels" ? "application/vnd.openxmlformats-package.relationships+xml" : "application/octet"))),
            files.Where(file => Path.GetExtension(file).Length == 0).Select(file => new XElement(_types + "Override", new XAttribute("PartName", $"/{file}"), new XAttribute("ContentType", "application/octet"))));
    }

    private static void Add(ZipArchive zip, string name, XElement content) =>
        Add(zip, name, Encoding.UTF8.GetBytes($"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n{content}\n"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);

    private static void Add(ZipArchive zip, string name, byte[] content, UnixFileMode mode)
    {
        const int RegularFile = 0x8000;
        ZipArchiveEntry entry = zip.CreateEntry(name, CompressionLevel.SmallestSize);
        entry.LastWriteTime = _time;
        entry.ExternalAttributes = (RegularFile | (int)mode) << 16;
        using Stream stream = entry.Open();
        stream.Write(content);
    }

    private static IReadOnlyDictionary<string, object> Table(IReadOnlyDictionary<string, object> of, string key) => (IReadOnlyDictionary<string, object>)of[key];

    private static IEnumerable<string> List(IReadOnlyDictionary<string, object> of, string key) =>
        of.GetValueOrDefault(key) switch { string one => [one], IEnumerable<string> many => many, _ => [] };
}
