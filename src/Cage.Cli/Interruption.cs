using System.Runtime.InteropServices;

namespace Cage.Cli;

/// <summary>SIGINT and SIGTERM as a cancellation: an interrupted start or snapshot is unwound, an interrupted stop says how far it came; none dies in
/// the middle.</summary>
internal static class Interruption
{
    // Kept to the end of the process: a signal that comes when all is done must not make a success end like a failure.
    private static readonly CancellationTokenSource _source = new();
    private static readonly List<PosixSignalRegistration> _watches = [];

    public static CancellationToken Watch()
    {
        _watches.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel));
        _watches.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel));
        return _source.Token;
    }

    private static void Cancel(PosixSignalContext context)
    {
        context.Cancel = true;
        _source.Cancel();
    }
}
