using Cage.Engine.State;
using Cage.Interop;

namespace Cage.Engine.Snapshots;

/// <summary>Finds what is nested in a snapshot's source, and decides for each what becomes of it.</summary>
internal static class NestedTrees
{
    /// <summary>The types that the kernel itself fills: nobody wants a copy of those.</summary>
    private static readonly HashSet<string> _kernelTypes =
    [
        "proc", "sysfs", "devtmpfs", "devpts", "cgroup", "cgroup2", "securityfs", "debugfs", "tracefs", "bpf", "mqueue", "hugetlbfs", "pstore", "efivarfs",
        "configfs", "fusectl", "binfmt_misc", "autofs", "rpc_pipefs", "nsfs", "selinuxfs",
    ];

    /// <summary>Whether it is one of the kernel's own, of which everybody knows that it does not come along.</summary>
    public static bool IsKernels(NestedTree tree) => _kernelTypes.Contains(tree.FileSystem);

    /// <summary>Whether it is to be told of: left out, by nobody's wish, and by its own account, not since it lies in another that is left out.</summary>
    public static bool IsTold(NestedTree tree, IReadOnlyList<NestedTree> all, IReadOnlyDictionary<string, NestedDecision> wanted) =>
        tree.Decision != NestedDecision.Snapshot && !IsKernels(tree) && !wanted.Keys.Any(path => Path.TrimEndingDirectorySeparator(path) == tree.Path) && Above(tree.Path, all) is null;

    /// <summary>One of them in words.</summary>
    public static string Describe(NestedTree tree) => $"{tree.Path} ({(tree.Kind == NestedKind.Subvolume ? "subvolume" : tree.FileSystem)})";

    /// <summary>All of them, outer ones first, but for what lies in the store or the folder of snapshots: cages' own mounts, earlier snapshots.</summary>
    /// <param name="source">The source's path, without links.</param>
    /// <param name="directory">The source.</param>
    /// <param name="closed">Paths that always stay empty: the store, the folder of snapshots.</param>
    /// <param name="wanted">What was asked for, by path.</param>
    /// <exception cref="CageException">CageArgumentInvalid: a path was named that is not nested there, or must stay empty.</exception>
    public static IReadOnlyList<NestedTree> Find(string source, Descriptor directory, IReadOnlyList<string> closed, IReadOnlyDictionary<string, NestedDecision> wanted)
    {
        SortedDictionary<string, NestedTree> found = new(StringComparer.Ordinal);
        if (Subvolumes.Is(directory)) AddSubvolumes(source, directory);
        foreach (MountEntry mount in MountTable.Read().Beneath(source))
        {
            if (mount.MountPoint == source || IsClosed(mount.MountPoint)) continue;
            found[mount.MountPoint] = new NestedTree(mount.MountPoint, NestedKind.Mount, mount.Type, Wanted(mount.MountPoint));
            // What is nested in it does not come along by itself either.
            if (mount.Type != "btrfs" || Wanted(mount.MountPoint) != NestedDecision.Snapshot) continue;
            using Descriptor mounted = Files.Open(mount.MountPoint, Files.O_RDONLY | Files.O_DIRECTORY);
            if (Subvolumes.Is(mounted)) AddSubvolumes(mount.MountPoint, mounted);
        }
        IReadOnlyList<NestedTree> all = [.. found.Values];
        foreach (var (path, decision) in wanted) Check(path, Path.TrimEndingDirectorySeparator(path), decision);
        return all;

        bool IsClosed(string path) => closed.Any(place => place != path && MountHolders.IsBeneath(path, place));

        NestedDecision Wanted(string path)
        {
            foreach (var (name, decision) in wanted)
                if (Path.TrimEndingDirectorySeparator(name) == path) return decision;
            return NestedDecision.Empty;
        }

        void AddSubvolumes(string place, Descriptor top)
        {
            string prefix = place.TrimEnd('/');
            foreach (NestedSubvolume nested in Subvolumes.AllNested(top, nested => !closed.Any(folder => MountHolders.IsBeneath($"{prefix}/{nested.Path}", folder))))
            {
                string path = $"{prefix}/{nested.Path}";
                if (!IsClosed(path)) found.TryAdd(path, new NestedTree(path, NestedKind.Subvolume, "btrfs", Wanted(path)));
            }
        }

        void Check(string path, string full, NestedDecision decision)
        {
            if (!path.StartsWith('/')) throw Invalid(path, $"{path} is no whole path.", "What is nested is named as it is on the host, from / on.");
            if (decision != NestedDecision.Empty && closed.Any(place => MountHolders.IsBeneath(full, place)))
                throw Invalid(path, $"{path} holds the cages or the snapshots themselves and stays empty.", null);
            if (!found.TryGetValue(full, out NestedTree? tree)) throw Invalid(path, $"{path} is neither a mount nor a subvolume below {source}.", $"{Face.Call("cage snapshot new", "New-CageSnapshot")} says what is nested there.");
            if (decision != NestedDecision.Empty && Files.StatusFollowed(full) is { IsDirectory: false }) throw Invalid(path, $"{path} is a file: only a directory can be brought along or left out.", null);
            if (decision == NestedDecision.Skip && closed.Any(place => MountHolders.IsBeneath(place, full))) throw Invalid(path, $"{path} holds the cages or the snapshots themselves.", null);
            if (decision != NestedDecision.Snapshot) return;
            if (IsKernels(tree)) throw Invalid(path, $"{path} ({tree.FileSystem}) is the kernel's own and cannot be brought along.", null);
            if (Above(full, all) is NestedTree above) throw Invalid(path, $"{path} lies in {above.Path}, which stays out.", $"{Face.Call($"--nested {above.Path}=snapshot", $"-Nested @{{ '{above.Path}' = 'Snapshot' }}")} brings that along too.");
        }
    }

    /// <summary>The outermost tree that is left out and that a path lies in; null where there is none.</summary>
    private static NestedTree? Above(string path, IReadOnlyList<NestedTree> all) =>
        all.FirstOrDefault(tree => tree.Decision != NestedDecision.Snapshot && tree.Path != path && MountHolders.IsBeneath(path, tree.Path));

    private static CageException Invalid(string path, string message, string? advice) => new(CageError.CageArgumentInvalid, message, advice, path);
}
