using Cage.Interop;

namespace Cage.Engine.Store;

/// <summary>The lock that keeps a layer's files while a cage which is not kept runs over them: no cage.conf names it as their base. flock(2)
/// on the directory itself: shared by those that run, free for one that removes it, gone with whoever held it.</summary>
internal static class LayerLock
{
    /// <summary>Keeps the files of <paramref name="layer"/>. The live host's need no keeping.</summary>
    /// <exception cref="LinuxException">EAGAIN: it is being removed. ENOENT: it was.</exception>
    public static Descriptor Hold(CageRecord layer)
    {
        Descriptor directory = Files.Open(layer.RootPath, Files.O_RDONLY | Files.O_DIRECTORY);
        if (layer.IsLive || Files.Lock(directory, wait: false, shared: true)) return directory;
        directory.Dispose();
        throw new LinuxException(Errno.EAGAIN, "flock", layer.RootPath);
    }

    /// <summary>Keeps others from taking <paramref name="directory"/> as a layer, to the end of its removal; null where it is none, but a link to one.</summary>
    /// <exception cref="CageException">CageBusy: a cage runs over it.</exception>
    public static Descriptor? TakeForRemoval(string directory, string name)
    {
        if (Files.Status(directory) is not { IsDirectory: true }) return null;
        Descriptor taken = Files.Open(directory, Files.O_RDONLY | Files.O_DIRECTORY | Files.O_NOFOLLOW);
        if (Files.Lock(taken, wait: false)) return taken;
        taken.Dispose();
        throw new CageException(
            CageError.CageBusy, $"\"{name}\" is below a cage that runs and is not kept (cage run).", $"Wait for its end; fuser {directory} names the command.", name);
    }
}
