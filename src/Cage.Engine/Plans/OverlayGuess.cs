using Cage.Interop;

namespace Cage.Engine.Plans;

/// <summary>An overlay made before its layers are known, over those that its cage names. Where none of these has bases of its own they are all, in that order; their
/// records, which say so, are read by another thread meanwhile. One that turns out to be another is closed: it was attached nowhere.</summary>
internal sealed class OverlayGuess : IDisposable
{
    private readonly MountOverlay _step;

    private Descriptor? _made;

    private OverlayGuess(MountOverlay step, Descriptor made) => (_step, _made) = (step, made);

    /// <summary>Null where it cannot be made: whoever makes it when its layers are known says why.</summary>
    public static OverlayGuess? TryMake(MountOverlay step)
    {
        try
        {
            return step.TryMakeDetached() is Descriptor made ? new OverlayGuess(step, made) : null;
        }
        catch (LinuxException)
        {
            return null;
        }
    }

    /// <summary>What was made, where <paramref name="step"/> makes the same; null where it does not, and then nothing of it is left.</summary>
    public Descriptor? Take(MountOverlay step)
    {
        if (!step.IsSameAs(_step)) Dispose();
        return Interlocked.Exchange(ref _made, null);
    }

    /// <summary>Lets go of what was not taken.</summary>
    public void Dispose() => Interlocked.Exchange(ref _made, null)?.Dispose();
}
