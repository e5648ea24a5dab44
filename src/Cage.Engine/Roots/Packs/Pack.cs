using Cage.Engine.Store;

namespace Cage.Engine.Roots;

/// <summary>A folder that a pack makes.</summary>
/// <param name="Path">Where.</param>
/// <param name="Mode">Its permission bits; null for those of the host's, or 0755.</param>
public sealed record PackFolder(string Path, uint? Mode);

/// <summary>A symbolic link that a pack makes.</summary>
/// <param name="Path">Where.</param>
/// <param name="Target">What it says; null for what it says on the host, where it is a link there.</param>
public sealed record PackLink(string Path, string? Target);

/// <summary>What belongs together and is opened at run time by convention: a data file, whose format docs/packs.md describes.</summary>
public sealed record Pack
{
    /// <summary>What can be made for a root.</summary>
    internal const string LoaderCacheWord = "ld.so.cache";

    private static readonly string[] _keys =
        ["summary", "import", "uses", "command", "file", "skip", "library", "program", "folder", "link", "account", "pack", "make"];

    /// <summary>The name of its file, without <c>.pack</c>.</summary>
    public required string Name { get; init; }

    /// <summary>What it is, in a line.</summary>
    public string Summary { get; init; } = "";

    /// <summary>Functions that choose it: it comes along with whatever has one of them from a library.</summary>
    public IReadOnlyList<string> Imports { get; init; } = [];

    /// <summary>Names of libraries and interpreters, with wildcards, that choose it.</summary>
    public IReadOnlyList<string> Uses { get; init; } = [];

    /// <summary>Names of commands, with wildcards, that choose it.</summary>
    public IReadOnlyList<string> Commands { get; init; } = [];

    /// <summary>Its files, with wildcards; a folder stands for all in it. What is not there is left out.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>What is left out of its folders: a path, or a name anywhere in them, with wildcards.</summary>
    public IReadOnlyList<string> Skips { get; init; } = [];

    /// <summary>Libraries that are opened by name, found as the loader would.</summary>
    public IReadOnlyList<string> Libraries { get; init; } = [];

    /// <summary>Commands, with all that they need.</summary>
    public IReadOnlyList<string> Programs { get; init; } = [];

    /// <summary>Folders to be made, empty.</summary>
    public IReadOnlyList<PackFolder> Folders { get; init; } = [];

    /// <summary>Symbolic links to be made.</summary>
    public IReadOnlyList<PackLink> Links { get; init; } = [];

    /// <summary>Users and groups that it needs, where the host has them.</summary>
    public IReadOnlyList<string> Accounts { get; init; } = [];

    /// <summary>Packs that belong to it.</summary>
    public IReadOnlyList<string> Packs { get; init; } = [];

    /// <summary>What is made for the root rather than copied.</summary>
    public IReadOnlyList<string> Makes { get; init; } = [];

    /// <summary>Where it is described; null for one that Cage brings.</summary>
    public string? Source { get; init; }

    /// <summary>Understands <paramref name="file"/> as the pack <paramref name="name"/>.</summary>
    /// <exception cref="CageException">CageConfInvalid with file, line and key.</exception>
    internal static Pack From(ConfFile file, string name, bool isOurs)
    {
        if (file.Keys().FirstOrDefault(key => !_keys.Contains(key)) is string unknown) throw file.Invalid(unknown, "is no key of a pack", advice: $"The keys are {string.Join(", ", _keys)}.");
        foreach (string path in file.Values("file").Concat(file.Values("folder")).Concat(file.Values("link")).Where(path => path.Split('/').Contains("..") || !path.StartsWith('/') && !path.StartsWith('{')))
            throw file.Invalid("file", $"(or folder, link) is \"{path}\", not an absolute path");
        foreach (string word in Words(file, "make").Where(word => word != LoaderCacheWord)) throw file.Invalid("make", $"is \"{word}\"", advice: $"It is {LoaderCacheWord}.");
        return new Pack
        {
            Name = name,
            Summary = file.Value("summary") ?? "",
            Imports = Words(file, "import"),
            Uses = Words(file, "uses"),
            Commands = Words(file, "command"),
            Files = [.. file.Values("file")],
            Skips = [.. file.Values("skip")],
            Libraries = Words(file, "library"),
            Programs = Words(file, "program"),
            Folders = [.. file.Values("folder").Select(value => Folder(file, value))],
            Links = [.. file.Values("link").Select(value => Link(file, value))],
            Accounts = Words(file, "account"),
            Packs = Words(file, "pack"),
            Makes = Words(file, "make"),
            Source = isOurs ? null : file.Path,
        };
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    private static string[] Words(ConfFile file, string key) => [.. file.Values(key).SelectMany(value => value.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries))];

    /// <summary><c>/path</c> or <c>/path TARGET</c>.</summary>
    private static PackLink Link(ConfFile file, string value) => value.Split(' ', StringSplitOptions.RemoveEmptyEntries) switch
    {
        [var path] => new PackLink(path, null),
        [var path, var target] => new PackLink(path, target),
        _ => throw file.Invalid("link", $"is \"{value}\", not a path, or a path and a target"),
    };

    /// <summary><c>/path</c> or <c>/path MODE</c>.</summary>
    private static PackFolder Folder(ConfFile file, string value)
    {
        int space = value.LastIndexOf(' ');
        if (space < 0) return new PackFolder(value, null);
        string mode = value[(space + 1)..];
        if (mode.Length is < 3 or > 4 || mode.Any(c => c is < '0' or > '7')) throw file.Invalid("folder", $"has the mode \"{mode}\"", advice: "A mode is three or four octal digits.");
        return new PackFolder(value[..space].TrimEnd(), Convert.ToUInt32(mode, 8));
    }
}
