using System.Globalization;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Snapshots;

/// <summary>Makes a snapshot, whole or not at all, with the read-only cage that stands for it; and lets the nil UUID follow. [000] [004]</summary>
internal sealed class SnapshotMaker
{
    private readonly CageStore _store;
    private readonly NewSnapshot _request;
    private readonly string _source;
    private readonly Descriptor _tree, _folder;
    private readonly IReadOnlyList<NestedTree> _nested;
    private readonly IReadOnlyList<string> _swap;
    private readonly Action<CopyProgress>? _progress;
    private readonly CancellationToken _cancellation;

    private SnapshotMaker(CageStore store, NewSnapshot request, Descriptor tree, Descriptor folder, Action<CopyProgress>? progress, CancellationToken cancellation)
    {
        (_store, _request, _tree, _folder, _progress, _cancellation) = (store, request, tree, folder, progress, cancellation);
        _source = RealPath(request.Source);
        string snapshots = Files.ReadLink(folder.ProcPath) ?? store.Settings.Snapshots;
        if (request.Provider != SnapshotProvider.Live && (_source == snapshots || _source == store.Settings.Data))
            throw new CageException(CageError.CageArgumentInvalid, $"{_source} holds the cages or the snapshots themselves.", "Name another source.", request.Source);
        _nested = NestedTrees.Find(_source, tree, [store.Settings.Data, snapshots], request.Nested);
        _swap = SwapFiles.Beneath(_source);
        if (_nested.FirstOrDefault(nested => nested.Decision == NestedDecision.Snapshot && LiesInExcluded(nested.Path)) is NestedTree both)
            throw new CageException(CageError.CageArgumentInvalid, $"{both.Path} is both left out and brought along.", "Leave out something else, or do not bring that along.", both.Path);
    }

    private StoreSettings Settings => _store.Settings;

    private bool OfHost => _source == "/" || _request.AsHost;

    public static CageSnapshot Make(CageStore store, NewSnapshot request, Action<string> warn, Action<CopyProgress>? progress, CancellationToken cancellation)
    {
        Refuse(request);
        request = request with { Exclude = [.. request.Exclude.Select(pattern => pattern.Length > 1 ? pattern.TrimEnd('/') : pattern)] };
        // A copy of this one mount: what is mounted below is not in it, so that nothing is crossed, whatever is mounted meanwhile.
        using Descriptor clone = CloneSource(request.Source), tree = Files.OpenAt(clone, ".", Files.O_RDONLY | Files.O_DIRECTORY);
        using Descriptor folder = SnapshotFolder.Open(store.Settings);
        SnapshotMaker maker = new(store, request, tree, folder, progress, cancellation);
        if (maker.OfHost) HostLink.Refuse(store);
        SnapshotProvider? provider = request.Provider;
        try
        {
            provider ??= maker.Choose();
            maker.Warn(provider.Value, warn);
            return maker.Make(provider.Value, DateTime.Now);
        }
        catch (LinuxException e)
        {
            throw maker.Explain(provider, e);
        }
    }

    private static void Refuse(NewSnapshot request)
    {
        if (request.Source.Length == 0) throw new CageException(CageError.CageArgumentInvalid, "The source has no name.", "Name the directory; / is the host.", request.Source);
        if (Files.StatusFollowed(request.Source) is not FileStatus source)
            throw new CageException(CageError.CageArgumentInvalid, $"{request.Source}: there is none (ENOENT).", target: request.Source);
        if (!source.IsDirectory) throw new CageException(CageError.CageArgumentInvalid, $"{request.Source}: not a directory (ENOTDIR).", target: request.Source);
        if (CageRecord.MemoProblem(request.Note) is string problem) throw new CageException(CageError.CageArgumentInvalid, $"The note cannot be: {problem}.", target: request.Note);
        if (request.Provider is SnapshotProvider.Btrfs or SnapshotProvider.Live && request.Exclude.Count > 0)
            throw new CageException(CageError.CageArgumentInvalid, $"Nothing can be left out of a snapshot by {request.Provider}.", "Use the provider reflink or copy.");
        if (request.Exclude.FirstOrDefault(pattern => !pattern.StartsWith('/') && !pattern.StartsWith('*')) is string exclude)
            throw new CageException(CageError.CageArgumentInvalid, $"\"{exclude}\" fits no path.", "What is left out is named by its whole path on the host, from / on.", exclude);
        if (request.Provider == SnapshotProvider.Live && request.Nested.Count > 0)
            throw new CageException(CageError.CageArgumentInvalid, "A live snapshot is a link: nothing can be decided about what is nested there.", "Use another provider.");
    }

    private static Descriptor CloneSource(string source)
    {
        try
        {
            return Mounts.CloneTree(source);
        }
        catch (LinuxException e) when (e.Number == Errno.EINVAL)
        {
            throw new CageException(
                CageError.CageSnapshotFailed, $"{source} lies on a mount of another mount namespace, or on one that cannot be bound: {e.Message}.",
                $"Name a directory that the host itself sees; a cage is stopped and published ({Face.Call("cage publish", "Publish-Cage")}).", source, e);
        }
    }

    /// <summary>The best that the file system of source and folder has. A live link only by name.</summary>
    private SnapshotProvider Choose()
    {
        if (!IsOneFileSystem(_source)) return SnapshotProvider.Copy;
        if (_request.Exclude.Count == 0 && Subvolumes.Is(_tree)) return SnapshotProvider.Btrfs;
        return CanShare() ? SnapshotProvider.Reflink : SnapshotProvider.Copy;
    }

    /// <summary>Whether what is at a path can lie on the file system of the snapshots. By the device of the mount: the subvolumes of one btrfs have different ones of their own.</summary>
    private bool IsOneFileSystem(string path)
    {
        IReadOnlyList<MountEntry> mounts = MountTable.Read();
        using Descriptor source = Files.Open(path, Files.O_PATH | Files.O_DIRECTORY);
        MountEntry? one = Find(source), other = Find(_folder);
        return one is not null && other is not null && one.Major == other.Major && one.Minor == other.Minor;

        MountEntry? Find(Descriptor directory)
        {
            ulong id = Files.Status(directory).MountId;
            return mounts.FirstOrDefault(mount => (ulong)mount.Id == id);
        }
    }

    /// <summary>Whether files of this file system can share blocks: tried, with two files that have no name.</summary>
    private bool CanShare()
    {
        try
        {
            using Descriptor one = Files.OpenUnnamed(_folder), other = Files.OpenUnnamed(_folder);
            Files.Write(one, new byte[4096]);
            return FileData.TryClone(one, other);
        }
        catch (LinuxException e) when (e.Number is Errno.EOPNOTSUPP or Errno.EISDIR)
        {
            return false;
        }
    }

    private void Warn(SnapshotProvider provider, Action<string> warn)
    {
        bool live = provider == SnapshotProvider.Live;
        if (live) warn($"A live snapshot is {_source} itself: what overlayfs shows of it is undefined once anything in it changes, though it does not crash (overlayfs.rst).");
        string[] left = [.. _nested.Where(tree => NestedTrees.IsTold(tree, _nested, _request.Nested) && !LiesInExcluded(tree.Path) && !(live && tree.Kind == NestedKind.Subvolume)).Select(NestedTrees.Describe)];
        if (left.Length > 0)
            warn($"Not in the snapshot, where its folder is as it is underneath, mostly empty: {string.Join(", ", left)}.{(live ? "" : $" {Face.Call("--nested PATH=snapshot", "-Nested @{ PATH = 'Snapshot' }")} brings one along, {Face.Call("PATH=empty", "'Empty'")} says that it is meant.")}");
        if (provider is SnapshotProvider.Reflink or SnapshotProvider.Copy && _swap.Count > 0) warn($"Left out, since the kernel swaps to it: {string.Join(", ", _swap)}.");
    }

    /// <summary>Makes the tree, its note and its cage, and gives the tree its name, last: one that has its name has all the rest.</summary>
    private CageSnapshot Make(SnapshotProvider provider, DateTime now)
    {
        using SnapshotCopies copies = Copies(provider);
        copies.Measure(_folder, _cancellation);
        using Descriptor? held = Begin(provider, now, out string name);
        string path = SnapshotFolder.PathOf(Settings, name);
        try
        {
            if (held is not null) Fill(provider, held, copies);
            SnapshotFolder.WriteNote(Settings, name, _request.Note);
            CageRecord cage = MakeCage(name, path, provider, now);
            if (held is not null) Files.Rename($"{Settings.Snapshots}/{SnapshotFolder.MakingName(name)}", path);
            if (OfHost) HostLink.Follow(_store, cancellation: _cancellation);
            return new CageSnapshot
            {
                Name = name, Path = path, Note = _request.Note, Source = _source, Provider = provider, OfHost = OfHost, IsHost = HostLink.Target(_store) == path, CageId = cage.Id, Nested = _nested,
            };
        }
        catch
        {
            SnapshotRemover.Discard(_store, name);
            throw;
        }
    }

    /// <summary>Begins the tree under a hidden name and holds its lock; a link is there at once, and null.</summary>
    private Descriptor? Begin(SnapshotProvider provider, DateTime now, out string name)
    {
        using Descriptor gate = SnapshotFolder.Gate(_folder, _cancellation);
        name = SnapshotFolder.NewName(Settings, now);
        string making = SnapshotFolder.MakingName(name);
        switch (provider)
        {
            case SnapshotProvider.Live:
                Files.MakeLinkAt(_folder, Path.GetFileName(SnapshotFolder.PathOf(Settings, name)), _source);
                return null;
            case SnapshotProvider.Btrfs:
                Subvolumes.Snapshot(_tree, _folder, making, readOnly: _nested.All(tree => tree.Decision == NestedDecision.Empty));
                break;
            case SnapshotProvider.Reflink when !IsOneFileSystem(_source):
                throw new LinuxException(Errno.EXDEV, "ficlone", _source);
            case SnapshotProvider.Reflink when !CanShare():
                throw new LinuxException(Errno.EOPNOTSUPP, "ficlone", Settings.Snapshots);
            default:
                Files.MakeDirectoryAt(_folder, making, 0x1c0);
                break;
        }
        Descriptor held = Files.OpenAt(_folder, making, Files.O_RDONLY | Files.O_DIRECTORY | Files.O_NOFOLLOW);
        Files.Lock(held, wait: true);
        return held;
    }

    private void Fill(SnapshotProvider provider, Descriptor held, SnapshotCopies copies)
    {
        if (provider == SnapshotProvider.Btrfs)
        {
            if (_nested.Any(tree => tree.Decision != NestedDecision.Empty)) BtrfsNesting.Arrange(_source, held, _nested, copies, CopyMounted);
            return;
        }
        // What the folder hands down to all that is made in it is not the source's.
        foreach (string list in (ReadOnlySpan<string>)["system.posix_acl_default", "system.posix_acl_access"]) Attributes.Remove(held, [(byte)'.', 0], list);
        copies.Run(_source, Files.OpenAt(held, ".", Files.O_RDONLY | Files.O_DIRECTORY), _progress, _cancellation);
        foreach (NestedTree tree in _nested.Where(tree => copies.Has(tree.Path))) CopyMounted(tree);

        void CopyMounted(NestedTree tree) =>
            copies.Run(tree.Path, Files.OpenInRoot(held, Path.GetRelativePath(_source, tree.Path), Files.O_RDONLY | Files.O_DIRECTORY), _progress, _cancellation);
    }

    /// <summary>What is to be copied: all that the provider does not bring along by one call of the kernel.</summary>
    private SnapshotCopies Copies(SnapshotProvider provider)
    {
        SnapshotCopies copies = new(Settings, _request, _nested, _swap);
        if (provider == SnapshotProvider.Live) return copies;
        if (provider != SnapshotProvider.Btrfs) copies.Add(_source, Files.OpenAt(_tree, ".", Files.O_RDONLY | Files.O_DIRECTORY), provider == SnapshotProvider.Reflink);
        foreach (NestedTree tree in _nested.Where(tree => tree is { Kind: NestedKind.Mount, Decision: NestedDecision.Snapshot }))
        {
            using Descriptor clone = Mounts.CloneTree(tree.Path);
            Descriptor mounted = Files.OpenAt(clone, ".", Files.O_RDONLY | Files.O_DIRECTORY);
            if (provider == SnapshotProvider.Btrfs && BtrfsNesting.IsSameBtrfs(mounted, _folder)) mounted.Dispose();
            else copies.Add(tree.Path, mounted, provider != SnapshotProvider.Copy && IsOneFileSystem(tree.Path) && CanShare());
        }
        return copies;
    }

    private bool LiesInExcluded(string path)
    {
        for (string? at = path; at is { Length: > 1 }; at = Path.GetDirectoryName(at))
            if (_request.IsExcluded(at)) return true;
        return false;
    }

    private CageRecord MakeCage(string name, string path, SnapshotProvider provider, DateTime now)
    {
        string time = new DateTimeOffset(now).ToString("yyyy-MM-dd HH:mm:sszzz", CultureInfo.InvariantCulture);
        return CageMaker.Make(_store, new NewCage
        {
            Name = $"host_{name}",
            Kind = CageKind.ReadOnly,
            Memo = _source == "/" ? $"a snapshot of the host, {time}" : $"a snapshot of {_source}, {time}",
            Source = path,
            Origin = new SnapshotOrigin(_source, provider, OfHost),
        }, cancellation: _cancellation);
    }

    private CageException Explain(SnapshotProvider? provider, LinuxException e) => new(
        CageError.CageSnapshotFailed,
        $"No snapshot of {_source} was made{(provider is null ? "" : $" by {provider}")}: {e.Message}.",
        (provider, e.Number) switch
        {
            (_, Errno.ENOSPC) => "Free space on that file system.",
            (_, Errno.EDQUOT) => "Raise the quota there, or name another folder with snapshots= in cage.conf.",
            (SnapshotProvider.Reflink or SnapshotProvider.Copy, Errno.EIO) => $"The disk cannot be read there (dmesg tells more); {Face.Call("--exclude", "-Exclude")} leaves that out.",
            (_, Errno.ETXTBSY) => "The kernel swaps to a file there: swapoff(8) it, or give it a subvolume or file system of its own.",
            (_, Errno.EROFS) => "That file system is read-only: name another folder with snapshots= in cage.conf.",
            (SnapshotProvider.Btrfs, Errno.EXDEV) => "The folder of snapshots has to be on the source's file system (snapshots= in cage.conf); copy needs no such thing.",
            (SnapshotProvider.Btrfs, Errno.EINVAL or Errno.ENOTTY or Errno.EPERM) => "It takes the root directory of a btrfs subvolume; reflink takes any directory.",
            (SnapshotProvider.Reflink, Errno.EXDEV or Errno.EOPNOTSUPP) => "The folder of snapshots has to be on the source's file system, and that one that shares blocks (XFS, btrfs); copy needs no such thing.",
            _ => null,
        },
        _source,
        e);

    private static string RealPath(string path)
    {
        using Descriptor folder = Files.Open(path, Files.O_PATH | Files.O_DIRECTORY);
        return Files.ReadLink(folder.ProcPath) ?? path;
    }
}
