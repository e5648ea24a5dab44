using System.Globalization;
using System.Runtime.InteropServices;
using Cage.Engine;
using Cage.Engine.Plans;
using Cage.Engine.Store;

namespace Cage.Cli;

/// <summary>cage start, cage stop, cage remove: each name in turn; one that fails does not keep the others.</summary>
internal static class StateCommands
{
    // Kept to the end of the process: a signal that comes when all is done must not make a success end like a failure.
    private static readonly CancellationTokenSource _interruption = new();
    private static readonly List<PosixSignalRegistration> _watches = [];

    public static int Start(Arguments arguments) => ForEach(arguments, (engine, cage, cancellation) => engine.Start(cage, cancellation));

    public static int Stop(Arguments arguments)
    {
        StopOptions options = new() { Force = arguments.Has("--force"), Patience = Patience(arguments.Value("--timeout")) };
        return ForEach(arguments, (engine, cage, cancellation) => engine.Stop(cage, options, Messages.Warning, cancellation));
    }

    public static int Remove(Arguments arguments)
    {
        bool force = arguments.Has("--force");
        return ForEach(arguments, (engine, cage, cancellation) => engine.Remove(cage, force, Messages.Warning, cancellation));
    }

    private static int ForEach(Arguments arguments, Action<CageEngine, CageRecord, CancellationToken> act)
    {
        IReadOnlyList<string> names = arguments.SomeNames();
        CageEngine engine = Commands.OpenEngine();
        _watches.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt));
        _watches.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt));
        int status = 0;
        foreach (string name in names)
        {
            try
            {
                act(engine, engine.Store.Find(name), _interruption.Token);
            }
            catch (CageException e)
            {
                Messages.Error(e.Message);
                status = ExitStatus.Failed;
            }
        }
        return status;
    }

    /// <summary>An interrupted start is unwound, an interrupted stop says how far it came: neither dies in the middle.</summary>
    private static void Interrupt(PosixSignalContext context)
    {
        context.Cancel = true;
        _interruption.Cancel();
    }

    private static TimeSpan Patience(string? seconds)
    {
        if (seconds is null) return new StopOptions().Patience;
        return double.TryParse(seconds, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value) && value is >= 0 and <= 86400
            ? TimeSpan.FromSeconds(value)
            : throw new UsageException($"--timeout takes seconds, not \"{seconds}\"");
    }
}
