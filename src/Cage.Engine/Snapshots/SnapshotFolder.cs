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
    private const uint PrivateMode = 0x1c0, NoteMode = 0x1a4;

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
            if (Files.StatusFollowed(settings.Snapshots) is null) MakeFolder(settings.Snapshots);
            return Files.Open(settings.Snapshots, Files.O_RDONLY | Files.O_DIRECTORY);
        }
        catch (LinuxException e)
        {
            throw new CageException(CageError.CageSnapshotFailed, $"The folder of snapshots cannot be used: {e.Message}.", "Make it, or name another one with snapshots= in cage.conf.", settings.Snapshots, e);
        }
    }

    private static void MakeFolder(string path)
    {
        try
        {
            Files.MakeDirectory(path, PrivateMode);
        }
        catch (LinuxException e) when (e.Number == Errno.EEXIST && Files.StatusFollowed(path) is not null)
        {
            // Another was quicker.
        }
    }

    /// <summary>The folder's lock: whoever makes something hidden has it until that has a lock of its own, so that what is hidden and not locked was left.</summary>
    public static Descriptor Gate(Descriptor folder, CancellationToken cancellation)
    {
        Descriptor gate = Files.OpenAt(folder, ".", Files.O_RDONLY | Files.O_DIRECTORY);
        try
        {
            LockWait.For(gate, cancellation);
            return gate;
        }
        catch
        {
            gate.Dispose();
            throw;
        }
    }

    /// <summary>Writes the note of a snapshot that has not got its name yet.</summary>
    public static void WriteNote(StoreSettings settings, string name, string note)
    {
        using Descriptor file = Files.Open(NotePathOf(settings, name), Files.O_WRONLY | Files.O_CREAT | Files.O_EXCL | Files.O_NOFOLLOW, NoteMode);
        // Not synchronised: a note that a power failure takes is no loss worth a flush of the disk.
        Files.Write(file, System.Text.Encoding.UTF8.GetBytes(note + "\n"));
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
            if (record.Kind == CageKind.ReadOnly && record.Id != CageRecord.Nil && Files.ReadLink(record.RootPath) is string target && (record.Origin is not null || !cages.ContainsKey(target)))
                cages[target] = record;
        (string? Link, FileStatus? Tree) host = (HostLink.Target(store), HostLink.Tree(store));
        List<CageSnapshot> found = [.. names.Where(IsFinished).Select(name => Describe(settings, name[..^End.Length], cages, host)).OfType<CageSnapshot>()];
        if (names.Any(IsHidden))
        {
            using Descriptor folder = Files.Open(settings.Snapshots, Files.O_RDONLY | Files.O_DIRECTORY), gate = Gate(folder, default);
            found.AddRange(names.Where(IsHidden).Select(name => Unfinished(settings, name, cages)).OfType<CageSnapshot>());
        }
        found.Sort((a, b) => Compare(a.Name, b.Name));
        return found;
    }

    private static bool IsFinished(string name) => name.EndsWith(End, StringComparison.Ordinal) && !name.StartsWith('.');

    private static bool IsHidden(string name) => (Stem(name, MakingEnd) ?? Stem(name, RemovingEnd)) is not null;

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

    /// <summary>Null for what is neither a directory nor a link to one, or went meanwhile.</summary>
    private static CageSnapshot? Describe(StoreSettings settings, string name, Dictionary<string, CageRecord> cages, (string? Link, FileStatus? Tree) host)
    {
        string path = PathOf(settings, name);
        if (Files.Status(path) is not FileStatus status || !(status.IsDirectory || status.IsLink)) return null;
        CageRecord? cage = cages.GetValueOrDefault(path);
        return new CageSnapshot
        {
            Name = name,
            Path = path,
            Note = Note(NotePathOf(settings, name)),
            Source = cage?.Origin?.Source,
            Provider = cage?.Origin?.Provider ?? Guess(path, status),
            // One that the seed's own lines made is the host's: nothing else is made there. A link says itself what it stands for.
            OfHost = cage?.Origin?.OfHost ?? (status.IsDirectory || Files.ReadLink(path) == "/"),
            IsHost = path == host.Link || (status.IsDirectory && host.Tree?.IsSameFile(status) == true),
            CageId = cage?.Id,
        };
    }

    private static SnapshotProvider? Guess(string path, FileStatus status)
    {
        if (status.IsLink) return SnapshotProvider.Live;
        return status.Inode == Subvolumes.RootInode && Files.FileSystemType(path) == Subvolumes.BTRFS_SUPER_MAGIC ? SnapshotProvider.Btrfs : null;
    }

    private static CageSnapshot? Unfinished(StoreSettings settings, string name, Dictionary<string, CageRecord> cages)
    {
        string stem = (Stem(name, MakingEnd) ?? Stem(name, RemovingEnd))!, path = $"{settings.Snapshots}/{name}";
        using Descriptor? folder = Files.TryOpen(path, Files.O_RDONLY | Files.O_DIRECTORY | Files.O_NOFOLLOW);
        // Whoever is at work on it holds its lock.
        if (folder is null || !Files.Lock(folder, wait: false)) return null;
        CageRecord? cage = cages.GetValueOrDefault(PathOf(settings, stem));
        return new CageSnapshot { Name = stem, Path = path, IsUnfinished = true, Source = cage?.Origin?.Source, Provider = cage?.Origin?.Provider, CageId = cage?.Id };
    }

    private static string? Stem(string name, string end) =>
        name.StartsWith('.') && name.EndsWith(End + end, StringComparison.Ordinal) ? name[1..^(End.Length + end.Length)] : null;

    private static string Note(string path)
    {
        try
        {
            using Descriptor? file = Files.TryOpen(path, Files.O_RDONLY | Files.O_NONBLOCK);
            return file is null ? "" : System.Text.Encoding.UTF8.GetString(Files.ReadAll(file)).TrimEnd('\n');
        }
        catch (LinuxException)
        {
            // No text, whatever it is, must not hide the snapshots.
            return "";
        }
    }
}
