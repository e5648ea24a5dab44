using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.State;

/// <summary>The folder of the notes that say where inits are (<see cref="InitHint"/>). Who can write there chooses the process that a command enters and the one that
/// a stop kills, so root alone may.</summary>
internal static class RunFolder
{
    private const uint Mode = 0x1ed, WrittenByOthers = 0x12;

    /// <summary>Makes it where it is missing, whatever the umask.</summary>
    /// <exception cref="CageException">CageStoreFailed: it cannot be made, or somebody else may write to what is there.</exception>
    public static void Ensure(StoreSettings settings)
    {
        string path = settings.Run;
        try
        {
            if (Files.Status(path) is null) Make(path);
            if (Files.Status(path) is { IsDirectory: true, Uid: 0 } status && (status.Mode & WrittenByOthers) == 0) return;
        }
        catch (LinuxException e)
        {
            throw CageException.Store("Making", path, e);
        }
        throw new CageException(
            CageError.CageStoreFailed, $"{path} is no folder that root alone may write to (EPERM): who can chooses the processes that Cage enters and ends.",
            $"Look who made it; then remove it, to have it made anew, or chown root {path} and chmod 755 {path}.", path);
    }

    private static void Make(string path)
    {
        if (Path.GetDirectoryName(path) is string above && Files.Status(above) is null) Make(above);
        try
        {
            Files.MakeDirectory(path, Mode);
        }
        catch (LinuxException e) when (e.Number == Errno.EEXIST)
        {
            // Another command was quicker.
        }
    }
}
