using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Layers;

/// <summary>How many overlays lie on each other: the kernel takes two (FILESYSTEM_MAX_STACK_DEPTH, include/linux/fs.h), so a layer may lie on an
/// overlay, but not on one that itself has a layer on another.</summary>
internal static class OverlayDepth
{
    /// <exception cref="CageException">CageMountFailed.</exception>
    public static void Refuse(CageRecord layer, string path)
    {
        using Descriptor directory = Files.Open(path, Files.O_PATH | Files.O_DIRECTORY);
        ulong id = Files.Status(directory).MountId;
        if (MountTable.Read().FirstOrDefault(mount => (ulong)mount.Id == id) is not MountEntry below) return;
        // What the kernel cannot name from here (another mount namespace made it) it refuses itself. So is "/" no name: each layer given as a mount of its own has it.
        foreach (string name in (ReadOnlySpan<string>)["lowerdir+", "lowerdir", "upperdir"])
            foreach (string place in below.SuperOption(name).SelectMany(value => value.Split(':')))
                if (place is ['/', _, ..] && !place.StartsWith("/proc/", StringComparison.Ordinal) && Files.StatusFollowed(place) is not null && Files.FileSystemType(place) == Files.OVERLAYFS_SUPER_MAGIC)
                    throw new CageException(
                        CageError.CageMountFailed,
                        $"\"{layer.Name}\" at {path} lies on the overlay at {below.MountPoint}, which has {place} on yet another: a third overlay is refused (EINVAL).",
                        $"Put a copy of that layer on a file system of its own, on a tmpfs for instance ({Face.Call("--source-mode copy", "-SourceMode Copy")}).",
                        layer.Name);
    }
}
