using Cage.Interop;

namespace Cage.Engine.Store;

/// <summary>Waiting for a lock (flock(2)) that others have for a moment, in a way that can be cancelled.</summary>
internal static class LockWait
{
    private const int Pause = 5;

    /// <summary>Takes the lock of an open file or directory; it is held until that is closed.</summary>
    public static void For(Descriptor file, CancellationToken cancellation)
    {
        while (!Files.Lock(file, wait: !cancellation.CanBeCanceled))
        {
            cancellation.ThrowIfCancellationRequested();
            Thread.Sleep(Pause);
        }
    }
}
