using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Snapshots;

/// <summary>Does in a snapshot of a btrfs subvolume, writable for this long, what was decided for what is nested there; then all of it is read-only.</summary>
internal static class BtrfsNesting
{
    /// <param name="source">The path of the source.</param>
    /// <param name="snapshot">The snapshot.</param>
    /// <param name="nested">The decisions, outer ones first.</param>
    /// <param name="copies">What comes along as a copy.</param>
    /// <param name="copy">Makes one in the snapshot.</param>
    public static void Arrange(string source, Descriptor snapshot, IReadOnlyList<NestedTree> nested, SnapshotCopies copies, Action<NestedTree> copy)
    {
        List<Descriptor> made = [];
        try
        {
            foreach (NestedTree tree in nested)
            {
                string inside = Path.GetRelativePath(source, tree.Path);
                // One that lies in another that stays empty has no place.
                if (tree.Decision == NestedDecision.Empty || Files.TryOpenInRoot(snapshot, Path.GetDirectoryName(inside) is { Length: > 0 } above ? above : ".", Files.O_RDONLY | Files.O_DIRECTORY) is not Descriptor parent) continue;
                using (parent)
                {
                    string name = Path.GetFileName(inside);
                    FileStatus before = Files.Status(parent);
                    bool isCopied = copies.Has(tree.Path);
                    using Descriptor? origin = isCopied || tree.Decision == NestedDecision.Skip ? null : Files.Open(tree.Path, Files.O_RDONLY | Files.O_DIRECTORY);
                    // A subvolume of another file system came with the mount that it lies in.
                    if (origin is not null && !IsSameBtrfs(origin, snapshot)) continue;
                    TreeRemoval.Remove($"{parent.ProcPath}/{name}");
                    if (isCopied)
                    {
                        Files.MakeDirectoryAt(parent, name, 0x1c0);
                        copy(tree);
                    }
                    else if (origin is not null)
                    {
                        Subvolumes.Snapshot(origin, parent, name, readOnly: false);
                        made.Add(Files.OpenAt(parent, name, Files.O_RDONLY | Files.O_DIRECTORY | Files.O_NOFOLLOW));
                    }
                    Entries.ChangeTimes(parent, before.Accessed, before.Modified);
                }
            }
            foreach (Descriptor subvolume in made) Subvolumes.SetReadOnly(subvolume, readOnly: true);
            Subvolumes.SetReadOnly(snapshot, readOnly: true);
        }
        finally
        {
            foreach (Descriptor subvolume in made) subvolume.Dispose();
        }
    }

    /// <summary>Whether there can be a snapshot of <paramref name="origin"/> in the folder: it is a subvolume, and of that file system.</summary>
    public static bool IsSameBtrfs(Descriptor origin, Descriptor folder) =>
        Subvolumes.Is(origin) && Subvolumes.FileSystemId(origin).AsSpan().SequenceEqual(Subvolumes.FileSystemId(folder));
}
