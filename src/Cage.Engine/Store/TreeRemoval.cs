using Cage.Interop;

namespace Cage.Engine.Store;

/// <summary>Removes a directory with all that is in it, by descriptor: no symbolic link is followed, no mount is crossed.</summary>
internal static class TreeRemoval
{
    /// <summary>Removes <paramref name="path"/>; one that is not there is fine.</summary>
    /// <exception cref="LinuxException">EBUSY: something is mounted inside; EXDEV: another file system is.</exception>
    public static void Remove(string path)
    {
        using Descriptor? folder = Files.TryOpen(path, Files.O_RDONLY | Files.O_DIRECTORY | Files.O_NOFOLLOW);
        if (folder is null) return;
        Empty(folder, Files.Status(folder).MountId);
        Files.RemoveDirectory(path);
    }

    private static void Empty(Descriptor folder, ulong mount)
    {
        foreach (string entry in Directory.GetFileSystemEntries(folder.ProcPath))
        {
            string name = Path.GetFileName(entry);
            if (Files.StatusAt(folder, name) is not FileStatus status) continue;
            if (!status.IsDirectory)
            {
                Files.UnlinkAt(folder, name);
                continue;
            }
            using (Descriptor child = Files.OpenAt(folder, name, Files.O_RDONLY | Files.O_DIRECTORY | Files.O_NOFOLLOW))
            {
                if (Files.Status(child).MountId != mount) throw new LinuxException(Errno.EBUSY, "rmdir", name);
                Empty(child, mount);
            }
            Files.RemoveDirectoryAt(folder, name);
        }
    }
}
