using System.Text;

namespace Cage.Engine.Store;

/// <summary>A line of a log of a cage.</summary>
/// <param name="Cage">The cage's name.</param>
/// <param name="CageId">The cage's id.</param>
/// <param name="Log">Which log: the script's or the service's name.</param>
/// <param name="Text">The line.</param>
public sealed record CageLogLine(string Cage, Guid CageId, string Log, string Text)
{
    /// <inheritdoc/>
    public override string ToString() => Text;
}

/// <summary>A log of a cage: what its start or stop script printed, or what one of its services prints. They lie in the cage's folder,
/// which the inside does not see.</summary>
/// <param name="Name">The script's or the service's name.</param>
/// <param name="Path">Where it is.</param>
public sealed record CageLog(string Name, string Path)
{
    /// <summary>The folder of the services' logs, in the cage's.</summary>
    public const string Folder = "log";

    private const string Ending = ".log";

    /// <summary>Where the log of a service is.</summary>
    public static string PathOf(CageRecord cage, string service)
    {
        ArgumentNullException.ThrowIfNull(cage);
        return $"{cage.Path}/{Folder}/{service}{Ending}";
    }

    /// <summary>The logs that a cage has: those of its scripts, and those of its services by name.</summary>
    public static IReadOnlyList<CageLog> Of(CageRecord cage)
    {
        ArgumentNullException.ThrowIfNull(cage);
        IEnumerable<CageLog> scripts = new[] { cage.Start, cage.Stop }.Where(name => name.Length > 0).Distinct().Select(name => System.IO.Path.GetFileName(name))
            .Select(name => new CageLog(name, $"{cage.Path}/{name}{Ending}"));
        string folder = $"{cage.Path}/{Folder}";
        IEnumerable<string> services = Directory.Exists(folder) ? Directory.EnumerateFiles(folder, $"*{Ending}").Order(StringComparer.Ordinal) : [];
        return [.. scripts.Where(log => File.Exists(log.Path)), .. services.Select(path => new CageLog(System.IO.Path.GetFileNameWithoutExtension(path), path))];
    }

    /// <summary>Its lines, what was rotated away left out.</summary>
    /// <param name="last">Only so many of the last ones; null for all.</param>
    /// <param name="position">Where the next line will be, for <see cref="ReadOn"/>.</param>
    public IReadOnlyList<string> Read(int? last, out long position)
    {
        position = 0;
        IReadOnlyList<string> lines = ReadOn(ref position);
        return last is int count && lines.Count > count ? [.. lines.Skip(lines.Count - count)] : lines;
    }

    /// <summary>The whole lines that were written since; from the beginning when the log is a new one.</summary>
    public IReadOnlyList<string> ReadOn(ref long position)
    {
        if (!File.Exists(Path)) return [];
        using FileStream file = new(Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (file.Length < position) position = 0;
        file.Position = position;
        byte[] bytes = new byte[file.Length - position];
        int length = bytes.AsSpan(0, file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)).LastIndexOf((byte)'\n') + 1;
        position += length;
        return length == 0 ? [] : Encoding.UTF8.GetString(bytes, 0, length - 1).Split('\n');
    }
}
