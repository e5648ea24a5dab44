using Cage.Interop;

namespace Cage.Engine.Roots;

/// <summary>Takes files out of a root, by descriptor: no symbolic link in it leads out.</summary>
internal sealed class RootEraser(Descriptor root)
{
    /// <summary>Removes a file or link, or a folder that is empty; what is not there is fine.</summary>
    /// <returns>False when a folder is not empty or something is mounted on it.</returns>
    public bool TryErase(string path, bool isFolder)
    {
        int slash = path.LastIndexOf('/');
        using Descriptor? folder = Files.TryOpenInRoot(root, slash <= 0 ? "/" : path[..slash], Files.O_PATH | Files.O_DIRECTORY);
        if (folder is null) return true;
        int error = Directories.TryRemove(folder, [.. PathText.Encode(path[(slash + 1)..]), 0], isFolder);
        return error switch
        {
            0 or Errno.ENOENT => true,
            Errno.ENOTEMPTY or Errno.EEXIST or Errno.EBUSY or Errno.ENOTDIR or Errno.EISDIR => false,
            _ => throw new LinuxException(error, isFolder ? "rmdir" : "unlink", path),
        };
    }
}
