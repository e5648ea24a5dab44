using System.Diagnostics;
using Cage.Interop;

namespace Cage.Engine.Store;

/// <summary>The lock that serialises commands on one cage: flock(2) on its folder, so that nothing is left when the holder dies.</summary>
public sealed class CageLock : IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    private readonly Descriptor _folder;

    private CageLock(Descriptor folder) => _folder = folder;

    /// <summary>Takes the lock of the cage in <paramref name="path"/>, waiting for another command to finish with it.</summary>
    /// <exception cref="CageException">CageNotFound: it was removed meanwhile. CageBusy: the other took longer than a minute.</exception>
    public static CageLock Take(string path, CancellationToken cancellation = default)
    {
        long start = Stopwatch.GetTimestamp();
        Descriptor folder = Open(path);
        try
        {
            while (!Files.Lock(folder, wait: false))
            {
                if (Stopwatch.GetElapsedTime(start) > _patience)
                    throw new CageException(CageError.CageBusy, $"{path}: another command has held its lock for a minute.", "fuser(1) on that folder names it.", path);
                cancellation.ThrowIfCancellationRequested();
                Thread.Sleep(5);
            }
            if (Files.Status(path) is FileStatus now && now.IsSameFile(Files.Status(folder))) return new CageLock(folder);
            throw Gone(path);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _folder.Dispose();

    private static Descriptor Open(string path)
    {
        try
        {
            return Files.TryOpen(path, Files.O_RDONLY | Files.O_DIRECTORY | Files.O_NOFOLLOW) ?? throw Gone(path);
        }
        catch (LinuxException e)
        {
            throw CageException.Store("Opening", path, e);
        }
    }

    private static CageException Gone(string path) => new(CageError.CageNotFound, $"{path}: the cage was removed.", target: path);
}
