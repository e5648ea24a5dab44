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

    /// <summary>All of them, outer ones first.</summary>
    /// <param name="source">The source's path, without links.</param>
    /// <param name="directory">The source.</param>
    /// <param name="closed">Paths that always stay empty: the store, the folder of snapshots.</param>
    /// <param name="wanted">What was asked for, by path.</param>
    /// <exception cref="CageException">CageArgumentInvalid: a path was named that is not nested there, or must stay empty.</exception>
    public static IReadOnlyList<NestedTree> Find(string source, Descriptor directory, IReadOnlyList<string> closed, IReadOnlyDictionary<string, NestedDecision> wanted)
    {
        SortedDictionary<string, NestedTree> found = new(StringComparer.Ordinal);
        if (Subvolumes.Is(directory)) AddSubvolumes(found, source, directory);
        foreach (MountEntry mount in MountTable.Read().Beneath(source))
            if (mount.MountPoint != source) found[mount.MountPoint] = new NestedTree(mount.MountPoint, NestedKind.Mount, mount.Type, NestedDecision.Empty);
        foreach (var (path, decision) in wanted)
        {
            string full = Path.TrimEndingDirectorySeparator(path);
            if (!found.TryGetValue(full, out NestedTree? tree))
                throw Invalid(path, $"{path} is neither a mount nor a subvolume below {source}.", "cage snapshot new says what is nested there.");
            if (decision != NestedDecision.Empty && closed.Any(place => place == full || place.StartsWith(full + "/", StringComparison.Ordinal)))
                throw Invalid(path, $"{path} holds the cages or the snapshots themselves and stays empty.", null);
            if (decision == NestedDecision.Snapshot && IsKernels(tree)) throw Invalid(path, $"{path} ({tree.FileSystem}) is the kernel's own and cannot be brought along.", null);
            found[full] = tree with { Decision = decision };
        }
        return [.. found.Values];
    }

    private static void AddSubvolumes(SortedDictionary<string, NestedTree> found, string place, Descriptor subvolume)
    {
        foreach (NestedSubvolume nested in Subvolumes.Nested(subvolume))
        {
            string path = $"{place.TrimEnd('/')}/{nested.Path}";
            found[path] = new NestedTree(path, NestedKind.Subvolume, "btrfs", NestedDecision.Empty);
            // What is mounted over it hides it; then it has nothing to list.
            using Descriptor? inner = Files.TryOpenInRoot(subvolume, nested.Path, Files.O_RDONLY | Files.O_DIRECTORY);
            if (inner is not null && Subvolumes.Is(inner)) AddSubvolumes(found, path, inner);
        }
    }

    private static CageException Invalid(string path, string message, string? advice) => new(CageError.CageArgumentInvalid, message, advice, path);
}
