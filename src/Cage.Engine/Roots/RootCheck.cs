using System.Collections.Concurrent;
using Cage.Engine.Snapshots;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Roots;

/// <summary>Compares what was put into a root with what is there, and with the host.</summary>
/// <param name="root">The root.</param>
/// <param name="record">The cage.</param>
internal sealed class RootCheck(Descriptor root, CageRecord record)
{
    private const uint SetIds = 0xc00;

    /// <summary>Ends the looking early.</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>Whether a file in a root is no longer what was put there; one that is gone is not.</summary>
    public static bool IsChanged(Descriptor root, RootEntry entry, CancellationToken cancellation)
    {
        if (StatusIn(root, entry.Path) is not FileStatus status) return false;
        if (entry.Kind == RootEntryKind.Link) return !status.IsLink || LinkIn(root, entry.Path) != entry.Mark;
        if (!status.IsRegular) return true;
        // Announced and never finished: whatever of it is there is ours.
        if (entry.Mark.Length == 0) return false;
        if (status.Size != entry.Size) return true;
        if (entry.Kind == RootEntryKind.File && status.Modified == entry.Modified) return false;
        using Descriptor? file = Files.TryOpenInRoot(root, entry.Path, Files.O_RDONLY | Files.O_NONBLOCK | Files.O_NOFOLLOW);
        return file is not null && ContentHash.Of(file, cancellation) != entry.Mark;
    }

    /// <summary>All there is to say.</summary>
    public IEnumerable<CageFinding> Run()
    {
        RootContents contents = RootContents.Read(record);
        return contents.Entries.Values.SelectMany(Compare).Concat(Missing(contents)).Concat(SetuidFiles()).Concat(Passwords());
    }

    private IEnumerable<CageFinding> Compare(RootEntry entry)
    {
        Cancellation.ThrowIfCancellationRequested();
        if (StatusIn(root, entry.Path) is null) yield return Found(entry.Path, FindingKind.Gone, "was put there, and is gone");
        else if (entry.Kind is RootEntryKind.File or RootEntryKind.Link && IsChanged(root, entry, Cancellation)) yield return Found(entry.Path, FindingKind.Changed, "was changed in the cage");
        // A link that a pack makes may be another than the host's, or none of its.
        if (entry is { Kind: RootEntryKind.Link } and not { Reason: "pack", RequiredBy: "" } && Files.Status(entry.Path) is { IsLink: true } && Files.ReadLink(entry.Path) != entry.Mark)
            yield return Found(entry.Path, FindingKind.Drifted, "is another link on the host now");
        if (entry.Kind != RootEntryKind.File) yield break;
        if (Files.Status(entry.Path) is not FileStatus host) yield return Found(entry.Path, FindingKind.GoneFromHost, "is no longer on the host");
        else if (HasDrifted(entry, host)) yield return Found(entry.Path, FindingKind.Drifted, "is another file on the host now");
    }

    /// <summary>What has the same size and time is the same; of the rest the content tells.</summary>
    private bool HasDrifted(RootEntry entry, FileStatus host)
    {
        if (!host.IsRegular || host.Size != entry.Size) return true;
        if (host.Modified == entry.Modified) return false;
        using Descriptor? file = Files.TryOpen(entry.Path, Files.O_RDONLY | Files.O_NONBLOCK | Files.O_NOFOLLOW);
        return file is null || ContentHash.Of(file, Cancellation) != entry.Mark;
    }

    private List<CageFinding> Missing(RootContents contents)
    {
        List<CageFinding> findings = [];
        string[] commands = [.. contents.Wishes.Where(wish => wish.Kind == RootWishKind.Command).Select(wish => wish.Name)];
        if (commands.Length == 0) return findings;
        using DependencyResolver resolver = new DependencyQuery { Names = commands, Root = root.ProcPath, ChoosesPacks = false }.Resolve(
            PackCatalog.None, problem => findings.Add(Found(problem.TargetName ?? "", FindingKind.Missing, problem.Error == CageError.CageFileInvalid ? "is broken" : "is not there")));
        findings.AddRange(resolver.Graph.All.Where(one => one.Missing).Select(one => Found(one.Path, FindingKind.Missing, $"is not there, and {one.RequiredBy} needs it")));
        return findings;
    }

    /// <summary>In the cage's own folder alone: what its layers have is theirs.</summary>
    private IEnumerable<CageFinding> SetuidFiles()
    {
        ConcurrentBag<string> found = [];
        if (Files.Status(record.RootPath) is not { IsDirectory: true }) return [];
        new TreeWalk((walk, folder) =>
        {
            while (Directories.ReadSome(folder.From) is { Count: > 0 } entries)
                foreach ((byte[] name, EntryType type) in entries)
                {
                    if (type is EntryType.Link or EntryType.Fifo or EntryType.Socket || Files.StatusAt(folder.From, name) is not FileStatus status) continue;
                    if (status.IsDirectory) walk.Enter(folder, name);
                    else if (status.IsRegular && (status.Mode & SetIds) != 0) found.Add("/" + folder.PathOf(name));
                }
        }).Run(Files.Open(record.RootPath, Files.O_RDONLY | Files.O_DIRECTORY), null, null, default);
        return found.Order(StringComparer.Ordinal).Select(path => Found(path, FindingKind.Setuid, "has a setuid or setgid bit"));
    }

    private IEnumerable<CageFinding> Passwords()
    {
        using RootView inside = new(root.ProcPath);
        foreach (string path in (string[])["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow"])
        {
            string[] names = [.. (inside.TryReadText(path) ?? "").Split('\n').Select(line => line.Split(':')).Where(fields => fields.Length > 2 && IsHash(fields[1])).Select(fields => fields[0])];
            if (names.Length > 0) yield return Found(path, FindingKind.Password, $"has passwords: {string.Join(", ", names)}");
        }
    }

    /// <summary>As crypt(3) writes them; a single letter or mark in their place means that there is none here, or that it is locked.</summary>
    private static bool IsHash(string password) => password.TrimStart('!').Length >= 10;

    private CageFinding Found(string path, FindingKind kind, string what) => new(record.Name, record.Id, path, kind, $"{path} {what}.");

    private static FileStatus? StatusIn(Descriptor root, string path) => InFolder(root, path, Files.StatusAt);

    private static string? LinkIn(Descriptor root, string path) => InFolder(root, path, Files.ReadLinkAt);

    private static T? InFolder<T>(Descriptor root, string path, Func<Descriptor, string, T?> ask)
    {
        int slash = path.LastIndexOf('/');
        using Descriptor? folder = Files.TryOpenInRoot(root, slash <= 0 ? "/" : path[..slash], Files.O_PATH | Files.O_DIRECTORY);
        return folder is null ? default : ask(folder, path[(slash + 1)..]);
    }
}
