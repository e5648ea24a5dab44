using System.Globalization;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Snapshots;

/// <summary>The folder of snapshots: <c>&lt;time&gt;.ss</c> and <c>&lt;time&gt;.txt</c>, as in the seed; hidden while one is being made or removed. [004]</summary>
internal static class SnapshotFolder
{
    /// <summary>How a snapshot's name is made of the time.</summary>
    public const string Stamp = "yyyyMMddHHmmss";

    private const string End = ".ss", NoteEnd = ".txt", MakingEnd = ".new", RemovingEnd = ".gone";
    private const uint PrivateMode = 0x1c0;

    public static string PathOf(StoreSettings settings, string name) => $"{settings.Snapshots}/{name}{End}";

    public static string NotePathOf(StoreSettings settings, string name) => $"{settings.Snapshots}/{name}{NoteEnd}";

    /// <summary>Where it is while it is being made.</summary>
    public static string MakingName(string name) => $".{name}{End}{MakingEnd}";

    /// <summary>Where it is while it is being removed.</summary>
    public static string RemovingName(string name) => $".{name}{End}{RemovingEnd}";

    /// <summary>Opens the folder, and makes it where it is missing: for root only, since a snapshot keeps setuid programs that the host has long replaced.</summary>
    public static Descriptor Open(StoreSettings settings)
    {
        try
        {
            if (Files.StatusFollowed(settings.Snapshots) is null) Files.MakeDirectory(settings.Snapshots, PrivateMode);
            return Files.Open(settings.Snapshots, Files.O_RDONLY | Files.O_DIRECTORY);
        }
        catch (LinuxException e)
        {
            throw new CageException(CageError.CageSnapshotFailed, $"The folder of snapshots cannot be used: {e.Message}.", "Make it, or name another one with snapshots= in cage.conf.", settings.Snapshots, e);
        }
    }

    /// <summary>A name for a snapshot made now that none has, and has had reserved; the caller has the folder's lock.</summary>
    public static string NewName(StoreSettings settings, DateTime now)
    {
        string stamp = now.ToString(Stamp, CultureInfo.InvariantCulture);
        for (int i = 0; ; i++)
        {
            string name = i == 0 ? stamp : string.Create(CultureInfo.InvariantCulture, $"{stamp}-{i}");
            string[] taken = [PathOf(settings, name), NotePathOf(settings, name), $"{settings.Snapshots}/{MakingName(name)}", $"{settings.Snapshots}/{RemovingName(name)}"];
            if (taken.All(path => Files.Status(path) is null)) return name;
        }
    }

    /// <summary>All snapshots, the oldest first; none where there is no folder.</summary>
    public static IReadOnlyList<CageSnapshot> List(CageStore store)
    {
        StoreSettings settings = store.Settings;
        string[] names = Names(settings);
        if (names.Length == 0) return [];
        // A broken cage is the list of cages' to tell.
        Dictionary<string, CageRecord> cages = [];
        foreach (CageRecord record in store.ReadAll())
            if (record.Kind == CageKind.ReadOnly && record.Id != CageRecord.Nil && Files.ReadLink(record.RootPath) is string target) cages.TryAdd(target, record);
        string? host = HostLink.Target(store);
        List<CageSnapshot> found = [];
        foreach (string name in names)
        {
            if (name.EndsWith(End, StringComparison.Ordinal) && !name.StartsWith('.')) found.Add(Describe(settings, name[..^End.Length], cages, host));
            else if (Unfinished(settings, name) is CageSnapshot left) found.Add(left);
        }
        found.Sort((a, b) => Compare(a.Name, b.Name));
        return found;
    }

    /// <summary>By time, and within one second by the number after it.</summary>
    public static int Compare(string a, string b)
    {
        string[] one = a.Split('-', 2), other = b.Split('-', 2);
        int order = string.CompareOrdinal(one[0], other[0]);
        return order != 0 ? order : Number(one).CompareTo(Number(other));
    }

    private static int Number(string[] parts) => parts.Length == 2 && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0;

    private static string[] Names(StoreSettings settings)
    {
        try
        {
            return Directory.Exists(settings.Snapshots) ? [.. Directory.EnumerateFileSystemEntries(settings.Snapshots).Select(path => Path.GetFileName(path))] : [];
        }
        catch (UnauthorizedAccessException e)
        {
            throw new CageException(CageError.CageRequiresRoot, $"Reading {settings.Snapshots}: EACCES.", "Run it as root.", settings.Snapshots, e);
        }
    }

    private static CageSnapshot Describe(StoreSettings settings, string name, Dictionary<string, CageRecord> cages, string? host)
    {
        string path = PathOf(settings, name);
        CageRecord? cage = cages.GetValueOrDefault(path);
        return new CageSnapshot
        {
            Name = name,
            Path = path,
            Note = Note(NotePathOf(settings, name)),
            Source = cage?.Origin?.Source,
            Provider = cage?.Origin?.Provider ?? Guess(path),
            // One that the seed's own lines made is the host's: nothing else is made there.
            OfHost = cage?.Origin?.OfHost ?? true,
            IsHost = path == host,
            CageId = cage?.Id,
        };
    }

    private static SnapshotProvider? Guess(string path)
    {
        if (Files.Status(path) is not FileStatus status) return null;
        if (status.IsLink) return SnapshotProvider.Live;
        return status.Inode == Subvolumes.RootInode && Files.FileSystemType(path) == Subvolumes.BTRFS_SUPER_MAGIC ? SnapshotProvider.Btrfs : null;
    }

    private static CageSnapshot? Unfinished(StoreSettings settings, string name)
    {
        string? stem = Stem(name, MakingEnd) ?? Stem(name, RemovingEnd);
        if (stem is null) return null;
        string path = $"{settings.Snapshots}/{name}";
        using Descriptor? folder = Files.TryOpen(path, Files.O_RDONLY | Files.O_DIRECTORY | Files.O_NOFOLLOW);
        // Whoever is at work on it holds its lock.
        return folder is null || !Files.Lock(folder, wait: false) ? null : new CageSnapshot { Name = stem, Path = path, IsUnfinished = true };
    }

    private static string? Stem(string name, string end) =>
        name.StartsWith('.') && name.EndsWith(End + end, StringComparison.Ordinal) ? name[1..^(End.Length + end.Length)] : null;

    private static string Note(string path)
    {
        using Descriptor? file = Files.TryOpen(path, Files.O_RDONLY | Files.O_NONBLOCK);
        return file is null ? "" : System.Text.Encoding.UTF8.GetString(Files.ReadAll(file)).TrimEnd('\n');
    }
}
