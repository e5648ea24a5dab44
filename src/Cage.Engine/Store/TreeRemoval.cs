using Cage.Interop;

namespace Cage.Engine.Store;

/// <summary>Removes a directory with all that is in it, by descriptor: no symbolic link is followed, no mount is crossed. However deep it
/// is, it takes two descriptors and no stack: whoever is root in a cage may have made it. A btrfs subvolume goes as one.</summary>
internal static class TreeRemoval
{
    private static readonly byte[] _parent = [.. "..\0"u8];

    /// <summary>Removes <paramref name="path"/>; one that is not there is fine.</summary>
    /// <exception cref="LinuxException">EBUSY: something is mounted inside; EPERM: something is immutable.</exception>
    public static void Remove(string path)
    {
        using Descriptor? folder = Files.TryOpen(path, Files.O_RDONLY | Files.O_DIRECTORY | Files.O_NOFOLLOW);
        if (folder is null) return;
        using Descriptor parent = Files.Open(Path.GetDirectoryName(path)!, Files.O_RDONLY | Files.O_DIRECTORY);
        byte[] name = [.. PathText.Encode(Path.GetFileName(path)), 0];
        if (Subvolumes.Is(folder) && TryRemoveSubvolume(parent, name, folder)) return;
        Empty(folder);
        Check(Directories.TryRemove(parent, name, isDirectory: true), name);
    }

    /// <summary>A subvolume goes as one, after those nested in it; false where one of those lies too deep for a path, and is to be found step by step.</summary>
    private static bool TryRemoveSubvolume(Descriptor parent, byte[] name, Descriptor subvolume)
    {
        try
        {
            IReadOnlyList<NestedSubvolume> nested = Subvolumes.AllNested(subvolume);
            if (nested.Count > 0) MakeWritable(subvolume);
            foreach (NestedSubvolume inner in nested)
            {
                using Descriptor root = Files.OpenInRoot(subvolume, inner.Path, Files.O_RDONLY | Files.O_DIRECTORY);
                MakeWritable(root);
            }
            foreach (NestedSubvolume inner in nested.Reverse())
            {
                using Descriptor folder = Files.OpenInRoot(subvolume, Path.GetDirectoryName(inner.Path) is { Length: > 0 } above ? above : ".", Files.O_RDONLY | Files.O_DIRECTORY);
                Subvolumes.Delete(folder, Path.GetFileName(inner.Path));
            }
            Subvolumes.Delete(parent, Directories.Text(name));
            return true;
        }
        catch (LinuxException e) when (e.Number == Errno.ENAMETOOLONG)
        {
            MakeWritable(subvolume);
            return false;
        }
    }

    /// <summary>Nothing could be taken out of it otherwise.</summary>
    private static void MakeWritable(Descriptor subvolume)
    {
        if (Subvolumes.IsReadOnly(subvolume)) Subvolumes.SetReadOnly(subvolume, readOnly: false);
    }

    private static bool TryRemoveSubvolume(Descriptor folder, byte[] name)
    {
        if (Files.StatusAt(folder, name) is not { IsDirectory: true, Inode: Subvolumes.RootInode }) return false;
        using Descriptor directory = Directories.Open(folder, name);
        return Subvolumes.Is(directory) && TryRemoveSubvolume(folder, name, directory);
    }

    private static void Empty(Descriptor top)
    {
        Stack<(byte[] Name, FileStatus Parent)> way = new();
        Descriptor current = top;
        FileStatus status = Files.Status(top);
        try
        {
            while (true)
            {
                if (Clear(current) is byte[] below)
                {
                    way.Push((below, status));
                    status = Move(ref current, top, Directories.Open(current, below));
                    if (status.MountId != way.Peek().Parent.MountId) throw new LinuxException(Errno.EBUSY, "rmdir", Directories.Text(below));
                    continue;
                }
                if (!way.TryPop(out var left)) return;
                status = Move(ref current, top, Directories.Open(current, _parent));
                // It was moved meanwhile: what lies above it now is none of ours.
                if (!status.IsSameFile(left.Parent)) throw new LinuxException(Errno.EBUSY, "rmdir", Directories.Text(left.Name));
                Check(Directories.TryRemove(current, left.Name, isDirectory: true), left.Name);
            }
        }
        finally
        {
            if (current != top) current.Dispose();
        }
    }

    /// <summary>Removes what can be removed at once and returns the first directory that is not empty; null when nothing is left.</summary>
    private static byte[]? Clear(Descriptor folder)
    {
        while (Directories.ReadSome(folder) is { Count: > 0 } entries)
            foreach ((byte[] name, _) in entries)
            {
                int error = Directories.TryRemove(folder, name, isDirectory: false);
                if (error == Errno.EISDIR)
                {
                    error = Directories.TryRemove(folder, name, isDirectory: true);
                    if (error is Errno.ENOTEMPTY or Errno.EROFS && TryRemoveSubvolume(folder, name)) continue;
                    if (error == Errno.ENOTEMPTY) return name;
                }
                Check(error, name);
            }
        return null;
    }

    private static FileStatus Move(ref Descriptor current, Descriptor top, Descriptor next)
    {
        if (current != top) current.Dispose();
        current = next;
        return Files.Status(next);
    }

    private static void Check(int error, byte[] name)
    {
        if (error is not (0 or Errno.ENOENT)) throw new LinuxException(error, "rmdir", Directories.Text(name));
    }
}
