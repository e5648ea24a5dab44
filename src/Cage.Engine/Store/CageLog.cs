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

    private const int Slice = 1 << 20;

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

    /// <summary>Where its last lines begin, and where it ends now, in bytes; what was rotated away is left out.</summary>
    /// <param name="last">How many lines; null for all.</param>
    public (long Begin, long End) Span(int? last)
    {
        using FileStream? file = Open();
        long end = file?.Length ?? 0;
        if (file is null || last == 0) return (end, end);
        if (last is not int left) return (0, end);
        byte[] slice = new byte[Slice];
        for (long at = end; at > 0;)
        {
            int length = (int)Math.Min(slice.Length, at);
            file.Position = at -= length;
            length = file.ReadAtLeast(slice.AsSpan(0, length), length, throwOnEndOfStream: false);
            for (int i = length - 1; i >= 0; i--)
                if (slice[i] == '\n' && at + i + 1 < end && --left == 0) return (at + i + 1, end);
        }
        return (0, end);
    }

    /// <summary>Some of the lines that come next, from the beginning when the log is a new one; none where there are no more. A log may be larger than memory.</summary>
    /// <param name="position">Where they begin, then where the next ones will.</param>
    /// <param name="unfinished">Whether a line that has no end yet is one, too.</param>
    public IReadOnlyList<string> ReadOn(ref long position, bool unfinished = false)
    {
        using FileStream? file = Open();
        if (file is null) return [];
        if (file.Length < position) position = 0;
        file.Position = position;
        byte[] bytes = new byte[Math.Min(Slice, file.Length - position)];
        int read = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false), length = bytes.AsSpan(0, read).LastIndexOf((byte)'\n') + 1;
        // One that is longer than a slice comes in pieces.
        if (length == 0 && (unfinished || read == Slice)) length = read;
        if (length == 0) return [];
        position += length;
        return Encoding.UTF8.GetString(bytes, 0, bytes[length - 1] == '\n' ? length - 1 : length).Split('\n');
    }

    private FileStream? Open() => File.Exists(Path) ? new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete) : null;
}
