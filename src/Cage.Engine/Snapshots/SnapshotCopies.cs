using System.Diagnostics;
using System.Globalization;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Snapshots;

/// <summary>What of a snapshot is copied file by file: the source itself by Reflink and Copy, and whatever is mounted below it and is to come along.
/// All of it is measured before any of it is made, and told of as one.</summary>
internal sealed class SnapshotCopies : IDisposable
{
    // What the file systems in use have; statfs(2) tells the best size of a transfer instead.
    private const long BlockSize = 4096;

    private readonly StoreSettings _settings;
    private readonly NewSnapshot _request;
    private readonly Dictionary<string, NestedTree> _nested;
    private readonly IReadOnlyList<string> _swap;
    private readonly List<Part> _parts = [];
    private readonly long _start = Stopwatch.GetTimestamp();
    private long _files, _bytes;

    /// <param name="settings">Where the store and the snapshots are: both stay out of every copy.</param>
    /// <param name="request">What is left out.</param>
    /// <param name="nested">What was decided for what is nested.</param>
    /// <param name="swap">The files that the kernel swaps to.</param>
    public SnapshotCopies(StoreSettings settings, NewSnapshot request, IReadOnlyList<NestedTree> nested, IReadOnlyList<string> swap) =>
        (_settings, _request, _nested, _swap) = (settings, request, nested.ToDictionary(tree => tree.Path), swap);

    /// <summary>Adds a tree that is to be copied.</summary>
    /// <param name="place">Where it is on the host.</param>
    /// <param name="tree">Its mount, in which nothing is mounted; closed with this.</param>
    /// <param name="shares">Whether it can share its blocks with the copy, which then takes no space.</param>
    public void Add(string place, Descriptor tree, bool shares) => _parts.Add(new Part(place, tree, Copier(place, tree, shares)));

    /// <summary>Whether the tree at <paramref name="place"/> is copied.</summary>
    public bool Has(string place) => _parts.Exists(part => part.Place == place);

    /// <summary>Looks how much all of it takes, but for what shares its blocks, and refuses what does not fit.</summary>
    /// <param name="folder">Where it goes: one file system, whatever the copies come from.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <exception cref="CageException">CageSnapshotFailed: there is not enough space.</exception>
    public void Measure(Descriptor folder, CancellationToken cancellation)
    {
        // btrfs keeps small files among its own records, and has no blocks for them.
        long block = Files.FileSystemType(folder.ProcPath) == Subvolumes.BTRFS_SUPER_MAGIC ? 1 : BlockSize, files = 0, bytes = 0;
        foreach (Part part in _parts.Where(part => !part.Copier.Reflink))
        {
            var all = part.Copier.Measure(Reopen(part.Tree), block, cancellation);
            part.Copier.All = (all.Files, all.Bytes);
            files += all.Files;
            bytes += all.Space;
        }
        FileSystemSpace space = Files.Space(folder);
        if (space.Bytes >= bytes && (space.Inodes >= files || !space.CountsInodes)) return;
        string copied = string.Join(", ", _parts.Where(part => !part.Copier.Reflink).Select(part => part.Place));
        throw new CageException(
            CageError.CageSnapshotFailed,
            string.Create(CultureInfo.InvariantCulture, $"Copying {copied} takes {bytes >> 20} MiB in {files} files, {_settings.Snapshots} has {space.Bytes >> 20} MiB and {space.Inodes} inodes (ENOSPC)."),
            $"Free space there, leave something out ({Face.Call("--exclude", "-Exclude")}), or name another folder with snapshots= in cage.conf.", copied);
    }

    /// <summary>Copies the tree at <paramref name="place"/>; which has been added.</summary>
    /// <param name="place">Where it is on the host.</param>
    /// <param name="target">An empty directory; closed at the end.</param>
    /// <param name="progress">Is told now and then how far all of it is.</param>
    /// <param name="cancellation">Ends it early.</param>
    public void Run(string place, Descriptor target, Action<CopyProgress>? progress, CancellationToken cancellation)
    {
        Part part = _parts.First(part => part.Place == place);
        // How much is shared nobody has counted: so nobody knows how much all of it is.
        var (files, bytes) = _parts.Exists(part => part.Copier.Reflink) ? (0, 0) : (_parts.Sum(part => part.Copier.All.Files), _parts.Sum(part => part.Copier.All.Bytes));
        try
        {
            part.Copier.Run(
                Reopen(part.Tree), target,
                progress is null ? null : done => progress(new CopyProgress(_files + done.Files, _bytes + done.Bytes, files, bytes, Stopwatch.GetElapsedTime(_start))),
                cancellation);
        }
        catch (LinuxException e) when (e.Target is ['/', ..])
        {
            throw new LinuxException(e.Number, e.Operation, place.TrimEnd('/') + e.Target, e.Detail);
        }
        _files += part.Copier.Done.Files;
        _bytes += part.Copier.Done.Bytes;
    }

    public void Dispose()
    {
        foreach (Part part in _parts) part.Tree.Dispose();
    }

    /// <summary>A copier of a tree that lies at <paramref name="place"/> on the host: the store, the snapshots and what is left out stay out of every one.</summary>
    private TreeCopy Copier(string place, Descriptor tree, bool shares)
    {
        List<FileStatus> closed = [];
        foreach (string folder in (string[])[_settings.Data, _settings.Snapshots])
            if (Files.StatusFollowed(folder) is FileStatus status) closed.Add(status);
        string prefix = place.TrimEnd('/') + "/";
        ulong device = Files.Status(tree).Device;
        return new TreeCopy
        {
            Reflink = shares,
            Choose = (path, status) =>
                _request.IsExcluded(prefix + path) ? FolderChoice.Skip
                : closed.Exists(folder => folder.IsSameFile(status)) ? FolderChoice.Empty
                : _nested.TryGetValue(prefix + path, out NestedTree? nested) && nested is not { Kind: NestedKind.Mount, Decision: NestedDecision.Empty } ? OfNested(nested)
                : status.Device == device || LiesInBrought(prefix + path) ? FolderChoice.Copy
                : FolderChoice.Empty,
            Leave = _request.Exclude.Count + _swap.Count == 0 ? null : path => _request.IsExcluded(prefix + path) || _swap.Contains(prefix + path),
        };
    }

    /// <summary>A mount that comes along has a copy of its own, for which its directory is made. One that stays out is not asked about: what it covers is there, as in a snapshot.</summary>
    private static FolderChoice OfNested(NestedTree nested) =>
        nested.Decision == NestedDecision.Skip ? FolderChoice.Skip
        : nested is { Kind: NestedKind.Subvolume, Decision: NestedDecision.Snapshot } ? FolderChoice.Copy
        : FolderChoice.Empty;

    /// <summary>Below a subvolume that is brought along, its own device is the right one.</summary>
    private bool LiesInBrought(string path) =>
        _nested.Values.Any(tree => tree is { Kind: NestedKind.Subvolume, Decision: NestedDecision.Snapshot } && MountHolders.IsBeneath(path, tree.Path));

    private static Descriptor Reopen(Descriptor directory) => Files.OpenAt(directory, ".", Files.O_RDONLY | Files.O_DIRECTORY);

    private sealed record Part(string Place, Descriptor Tree, TreeCopy Copier);
}
