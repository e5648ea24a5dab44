using Cage.Interop;

namespace Cage.Engine.Store;

/// <summary>Writes a file whole or not at all: temporary file, fsync, rename, fsync of the folder (rename(2)).</summary>
internal static class AtomicFile
{
    public static void Write(string path, ReadOnlySpan<byte> content, uint mode = 0x1a4)
    {
        string folder = Path.GetDirectoryName(path)!;
        string temporary = $"{folder}/.{Path.GetFileName(path)}.{Host.ProcessId}.new";
        try
        {
            using (Descriptor file = Files.Open(temporary, Files.O_WRONLY | Files.O_CREAT | Files.O_TRUNC | Files.O_NOFOLLOW, mode))
            {
                if (Files.StatusFollowed(path) is FileStatus old)
                {
                    Files.ChangeOwner(file, old.Uid, old.Gid);
                    Files.ChangeMode(file, old.Mode & 0xfff);
                }
                Files.Write(file, content);
                Files.Synchronise(file);
            }
            Files.Rename(temporary, path);
            using Descriptor directory = Files.Open(folder, Files.O_RDONLY | Files.O_DIRECTORY);
            Files.Synchronise(directory);
        }
        catch (LinuxException e)
        {
            TryUnlink(temporary);
            throw CageException.Store("Writing", path, e);
        }
    }

    /// <summary>On a read-only file system this fails as the write did, which is what is to be told.</summary>
    private static void TryUnlink(string path)
    {
        try
        {
            Files.Unlink(path);
        }
        catch (LinuxException)
        {
        }
    }
}
