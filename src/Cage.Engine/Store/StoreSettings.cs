using System.Net;
using System.Net.Sockets;
using Cage.Interop;

namespace Cage.Engine.Store;

/// <summary>The global configuration: where things are. [004]</summary>
public sealed record StoreSettings
{
    /// <summary>The file that is read unless <c>CAGE_CONF</c> names another.</summary>
    public const string DefaultFile = "/etc/opt/cage/cage.conf";

    /// <summary>The variable that names another file: for tests and second stores.</summary>
    public const string FileVariable = "CAGE_CONF";

    /// <summary>The file that these come from; null where the defaults hold.</summary>
    public string? File { get; init; }

    /// <summary>Where the tool's own files are (<c>tool=</c>).</summary>
    public string Tool { get; init; } = "/opt/cage";

    /// <summary>Where the cages are (<c>data=</c>).</summary>
    public string Data { get; init; } = "/var/opt/cage";

    /// <summary>Where hints about running cages are, on a file system that a boot empties (<c>run=</c>).</summary>
    public string Run { get; init; } = "/run/cage";

    /// <summary>Where snapshots are (<c>snapshots=</c>).</summary>
    public string Snapshots { get; init; } = "/.snapshots";

    /// <summary>The network that addresses of cages are taken from (<c>pool=</c>); its first is the host's own.</summary>
    public string Pool { get; init; } = "10.77.0.0/16";

    /// <summary>Reads the file that <c>CAGE_CONF</c> names, or the default one; where that is missing the defaults hold.</summary>
    /// <exception cref="CageException">CageConfInvalid: a missing <c>CAGE_CONF</c> too.</exception>
    public static StoreSettings Load()
    {
        string? named = Environment.GetEnvironmentVariable(FileVariable);
        if (!string.IsNullOrEmpty(named)) return Read(named);
        return Files.StatusFollowed(DefaultFile) is null ? new StoreSettings() : Read(DefaultFile);
    }

    /// <summary>Reads <paramref name="path"/>.</summary>
    /// <exception cref="CageException">CageConfInvalid with file, line and key.</exception>
    public static StoreSettings Read(string path)
    {
        if (Files.StatusFollowed(path) is null)
            throw new CageException(
                CageError.CageConfInvalid, $"{path}: there is none (ENOENT).", $"Make it, or unset {FileVariable} for the defaults.", path);
        return From(ConfFile.Read(path), path);
    }

    private static StoreSettings From(ConfFile file, string path)
    {
        StoreSettings defaults = new();
        return new StoreSettings
        {
            File = path,
            Tool = Folder(file, "tool", defaults.Tool),
            Data = Folder(file, "data", defaults.Data),
            Run = Folder(file, "run", defaults.Run),
            Pool = Network(file, "pool", defaults.Pool),
            Snapshots = Folder(file, "snapshots", defaults.Snapshots),
        };
    }

    private static string Network(ConfFile file, string key, string fallback)
    {
        string? value = file.Value(key);
        if (value is null) return fallback;
        return IPNetwork.TryParse(value, out IPNetwork network) && network.BaseAddress.AddressFamily == AddressFamily.InterNetwork && network.PrefixLength is >= 8 and <= 30
            ? value : throw file.Invalid(key, $"is \"{value}\", not an IPv4 network such as 10.77.0.0/16");
    }

    /// <summary>Writes these values into the configuration that is in force, which is made where it is missing; comments, order and unknown keys stay.</summary>
    /// <returns>As it is read then.</returns>
    /// <exception cref="CageException">CageConfInvalid: a value that is no absolute path; what failed in writing. Nothing is written then.</exception>
    public StoreSettings Save()
    {
        string? named = Environment.GetEnvironmentVariable(FileVariable);
        string path = string.IsNullOrEmpty(named) ? DefaultFile : named;
        ConfFile file = Files.StatusFollowed(path) is null ? ConfFile.Empty(path) : ConfFile.Read(path);
        StoreSettings defaults = new();
        (string Key, string Value, string Default)[] keys =
        [
            ("tool", Tool, defaults.Tool), ("data", Data, defaults.Data), ("run", Run, defaults.Run), ("snapshots", Snapshots, defaults.Snapshots), ("pool", Pool, defaults.Pool),
        ];
        foreach (var (key, value, fallback) in keys)
            if (file.Value(key) is not null || value != fallback) file.Set(key, value);
        From(ConfFile.Parse(path, file.ToBytes()), path);
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        AtomicFile.Write(path, file.ToBytes());
        return Read(path);
    }

    private static string Folder(ConfFile file, string key, string fallback)
    {
        string? value = file.Value(key);
        if (value is null) return fallback;
        if (!value.StartsWith('/') || value.Split('/').Contains("..")) throw file.Invalid(key, $"is \"{value}\", not an absolute path");
        return value.Length > 1 ? value.TrimEnd('/') : value;
    }
}
