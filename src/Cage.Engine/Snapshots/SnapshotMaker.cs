using System.Globalization;
using System.IO.Enumeration;
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
    private readonly Action<CopyProgress>? _progress;
    private readonly CancellationToken _cancellation;

    private SnapshotMaker(CageStore store, NewSnapshot request, Descriptor tree, Descriptor folder, Action<CopyProgress>? progress, CancellationToken cancellation)
    {
        (_store, _request, _tree, _folder, _progress, _cancellation) = (store, request, tree, folder, progress, cancellation);
        _source = RealPath(request.Source);
        _nested = NestedTrees.Find(_source, tree, [store.Settings.Data, Files.ReadLink(folder.ProcPath) ?? store.Settings.Snapshots], request.Nested);
    }

    private StoreSettings Settings => _store.Settings;

    public static CageSnapshot Make(CageStore store, NewSnapshot request, Action<string> warn, Action<CopyProgress>? progress, CancellationToken cancellation)
    {
        Refuse(request);
        // A copy of this one mount: what is mounted below is not in it, so that nothing is crossed, whatever is mounted meanwhile.
        using Descriptor clone = Mounts.CloneTree(request.Source), tree = Files.OpenAt(clone, ".", Files.O_RDONLY | Files.O_DIRECTORY);
        using Descriptor folder = SnapshotFolder.Open(store.Settings);
        SnapshotMaker maker = new(store, request, tree, folder, progress, cancellation);
        SnapshotProvider provider = request.Provider ?? maker.Choose();
        maker.Warn(provider, warn);
        DateTime now = DateTime.Now;
        string name;
        try
        {
            name = maker.MakeTree(provider, now);
        }
        catch (LinuxException e)
        {
            throw maker.Explain(provider, e);
        }
        return maker.Record(name, provider, now);
    }

    private static void Refuse(NewSnapshot request)
    {
        if (Files.StatusFollowed(request.Source) is not { IsDirectory: true })
            throw new CageException(CageError.CageArgumentInvalid, $"{request.Source}: not a directory (ENOTDIR).", target: request.Source);
        if (CageRecord.MemoProblem(request.Note) is string problem) throw new CageException(CageError.CageArgumentInvalid, $"The note cannot be: {problem}.", target: request.Note);
        if (request.Provider is SnapshotProvider.Btrfs or SnapshotProvider.Live && request.Exclude.Count > 0)
            throw new CageException(CageError.CageArgumentInvalid, $"Nothing can be left out of a snapshot by {request.Provider}.", "Use the provider reflink or copy.");
        if (request.Provider == SnapshotProvider.Live && request.Nested.Count > 0)
            throw new CageException(CageError.CageArgumentInvalid, "A live snapshot is a link: nothing can be decided about what is nested there.", "Use another provider.");
    }

    /// <summary>The best that the file system of source and folder has. A live link only by name.</summary>
    private SnapshotProvider Choose()
    {
        if (!IsOneFileSystem()) return SnapshotProvider.Copy;
        if (_request.Exclude.Count == 0 && Subvolumes.Is(_tree)) return SnapshotProvider.Btrfs;
        return CanShare() ? SnapshotProvider.Reflink : SnapshotProvider.Copy;
    }

    /// <summary>By the device of the mount: the subvolumes of one btrfs have different ones of their own.</summary>
    private bool IsOneFileSystem()
    {
        IReadOnlyList<MountEntry> mounts = MountTable.Read();
        using Descriptor source = Files.Open(_source, Files.O_PATH | Files.O_DIRECTORY);
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
        if (provider == SnapshotProvider.Live)
        {
            warn($"A live snapshot is {_source} itself: what overlayfs shows of it is undefined once anything in it changes, though it does not crash (overlayfs.rst).");
            return;
        }
        string[] left = [.. _nested.Where(tree => tree.Decision != NestedDecision.Snapshot && !NestedTrees.IsKernels(tree) && !_request.Nested.ContainsKey(tree.Path))
            .Select(tree => $"{tree.Path} ({(tree.Kind == NestedKind.Subvolume ? "subvolume" : tree.FileSystem)})")];
        if (left.Length > 0) warn($"Not in the snapshot, its directory is empty: {string.Join(", ", left)}. --nested PATH=snapshot (-Nested) brings one along, PATH=empty says that it is meant.");
    }

    /// <summary>Makes the tree and gives it its name, last.</summary>
    private string MakeTree(SnapshotProvider provider, DateTime now)
    {
        string name;
        Descriptor? held = null;
        using (Descriptor gate = Files.OpenAt(_folder, ".", Files.O_RDONLY | Files.O_DIRECTORY))
        {
            Files.Lock(gate, wait: true);
            name = SnapshotFolder.NewName(Settings, now);
            string final = Path.GetFileName(SnapshotFolder.PathOf(Settings, name)), making = SnapshotFolder.MakingName(name);
            if (provider == SnapshotProvider.Live)
            {
                Files.MakeLinkAt(_folder, final, _source);
                return name;
            }
            if (provider == SnapshotProvider.Btrfs)
            {
                bool plain = _nested.All(tree => tree.Decision == NestedDecision.Empty);
                Subvolumes.Snapshot(_tree, _folder, plain ? final : making, readOnly: plain);
                if (plain) return name;
            }
            else
            {
                Files.MakeDirectoryAt(_folder, making, 0x1c0);
            }
            held = Files.OpenAt(_folder, making, Files.O_RDONLY | Files.O_DIRECTORY | Files.O_NOFOLLOW);
            Files.Lock(held, wait: false);
        }
        string hidden = $"{Settings.Snapshots}/{SnapshotFolder.MakingName(name)}";
        using (held)
        {
            try
            {
                if (provider == SnapshotProvider.Btrfs) BtrfsNesting.Arrange(_source, held, _nested, CopyMounted);
                else CopyTree(provider, held);
                Files.Rename(hidden, SnapshotFolder.PathOf(Settings, name));
                return name;
            }
            catch
            {
                TreeRemoval.Remove(hidden);
                throw;
            }
        }
    }

    private void CopyTree(SnapshotProvider provider, Descriptor target)
    {
        FileStatus[] closed = [.. new[] { Settings.Data, Settings.Snapshots }.Select(Files.StatusFollowed).OfType<FileStatus>()];
        Dictionary<string, NestedDecision> decisions = _nested.ToDictionary(tree => tree.Path, tree => tree.Decision);
        ulong device = Files.Status(_tree).Device;
        TreeCopy copy = new()
        {
            Reflink = provider == SnapshotProvider.Reflink,
            Choose = (path, status) =>
                IsExcluded(path) ? FolderChoice.Skip
                : Array.Exists(closed, place => place.IsSameFile(status)) ? FolderChoice.Empty
                : decisions.TryGetValue(OnHost(path), out NestedDecision decision) ? OfNested(decision, status.Device != device)
                : status.Device == device || Parent(path) ? FolderChoice.Copy : FolderChoice.Empty,
            Leave = _request.Exclude.Count == 0 ? null : IsExcluded,
        };
        if (provider == SnapshotProvider.Copy)
        {
            using Descriptor tree = Reopen(_tree);
            var all = copy.Measure(Reopen(tree), _cancellation);
            RefuseSpace(all);
            copy = new TreeCopy { Reflink = copy.Reflink, Choose = copy.Choose, Leave = copy.Leave, All = all };
        }
        copy.Run(Reopen(_tree), Reopen(target), _progress, _cancellation);
        foreach (NestedTree tree in _nested.Where(tree => tree is { Kind: NestedKind.Mount, Decision: NestedDecision.Snapshot })) CopyMounted(tree, target);

        // Below a subvolume that is brought along, its own device is the right one.
        bool Parent(string path) => _nested.Any(tree => tree is { Kind: NestedKind.Subvolume, Decision: NestedDecision.Snapshot } && OnHost(path).StartsWith(tree.Path + "/", StringComparison.Ordinal));
    }

    private static FolderChoice OfNested(NestedDecision decision, bool isSubvolume) =>
        decision == NestedDecision.Skip ? FolderChoice.Skip : decision == NestedDecision.Snapshot && isSubvolume ? FolderChoice.Copy : FolderChoice.Empty;

    /// <summary>Copies what is mounted on a path of the source to the same path below <paramref name="target"/>.</summary>
    private void CopyMounted(NestedTree tree, Descriptor target)
    {
        string inside = Path.GetRelativePath(_source, tree.Path);
        using Descriptor clone = Mounts.CloneTree(tree.Path);
        new TreeCopy().Run(Files.OpenAt(clone, ".", Files.O_RDONLY | Files.O_DIRECTORY), Files.OpenInRoot(target, inside, Files.O_RDONLY | Files.O_DIRECTORY), _progress, _cancellation);
    }

    private void RefuseSpace((long Files, long Bytes) all)
    {
        FileSystemSpace space = Files.Space(_folder);
        if (space.Bytes >= all.Bytes && (space.Inodes >= all.Files || !space.CountsInodes)) return;
        throw new CageException(
            CageError.CageSnapshotFailed,
            string.Create(CultureInfo.InvariantCulture, $"Copying {_source} takes {all.Bytes >> 20} MiB in {all.Files} files, {Settings.Snapshots} has {space.Bytes >> 20} MiB and {space.Inodes} inodes (ENOSPC)."),
            "Free space there, leave something out (--exclude), or name another folder with snapshots= in cage.conf.", _source);
    }

    private bool IsExcluded(string path) => _request.Exclude.Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, OnHost(path), ignoreCase: false));

    private string OnHost(string path) => $"{_source.TrimEnd('/')}/{path}";

    private CageSnapshot Record(string name, SnapshotProvider provider, DateTime now)
    {
        string path = SnapshotFolder.PathOf(Settings, name);
        bool ofHost = _source == "/" || _request.AsHost;
        try
        {
            WriteNote(name);
            string time = new DateTimeOffset(now).ToString("yyyy-MM-dd HH:mm:sszzz", CultureInfo.InvariantCulture);
            CageRecord cage = CageMaker.Make(_store, new NewCage
            {
                Name = $"host_{name}",
                Kind = CageKind.ReadOnly,
                Memo = _source == "/" ? $"a snapshot of the host, {time}" : $"a snapshot of {_source}, {time}",
                Source = path,
                Origin = new SnapshotOrigin(_source, provider, ofHost),
            });
            if (ofHost) HostLink.Follow(_store);
            return new CageSnapshot
            {
                Name = name, Path = path, Note = _request.Note, Source = _source, Provider = provider, OfHost = ofHost, IsHost = HostLink.Target(_store) == path, CageId = cage.Id, Nested = _nested,
            };
        }
        catch
        {
            SnapshotRemover.Discard(_store, name);
            throw;
        }
    }

    /// <summary>Not synchronised: a note that a power failure takes is no loss worth a flush of the disk.</summary>
    private void WriteNote(string name)
    {
        using Descriptor file = Files.Open(SnapshotFolder.NotePathOf(Settings, name), Files.O_WRONLY | Files.O_CREAT | Files.O_EXCL | Files.O_NOFOLLOW, 0x1a4);
        Files.Write(file, System.Text.Encoding.UTF8.GetBytes(_request.Note + "\n"));
    }

    private CageException Explain(SnapshotProvider provider, LinuxException e) => new(
        CageError.CageSnapshotFailed,
        $"No snapshot of {_source} was made by {provider}: {e.Message}.",
        (provider, e.Number) switch
        {
            (_, Errno.ENOSPC or Errno.EDQUOT) => "Free space on that file system.",
            (_, Errno.EROFS) => "That file system is read-only: name another folder with snapshots= in cage.conf.",
            (SnapshotProvider.Btrfs, Errno.EXDEV) => "The folder of snapshots has to be on the source's file system (snapshots= in cage.conf); copy needs no such thing.",
            (SnapshotProvider.Btrfs, _) => "It takes the root directory of a btrfs subvolume; reflink takes any directory.",
            (SnapshotProvider.Reflink, _) => "The folder of snapshots has to be on the source's file system, and that one that shares blocks (XFS, btrfs); copy needs no such thing.",
            _ => null,
        },
        _source,
        e);

    private static Descriptor Reopen(Descriptor directory) => Files.OpenAt(directory, ".", Files.O_RDONLY | Files.O_DIRECTORY);

    private static string RealPath(string path)
    {
        using Descriptor folder = Files.Open(path, Files.O_PATH | Files.O_DIRECTORY);
        return Files.ReadLink(folder.ProcPath) ?? path;
    }
}
