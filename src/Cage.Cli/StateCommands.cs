using System.Globalization;
using System.Runtime.InteropServices;
using Cage.Engine;
using Cage.Engine.Plans;
using Cage.Engine.Store;

namespace Cage.Cli;

/// <summary>cage start, cage stop, cage remove: each name in turn; one that fails does not keep the others.</summary>
internal static class StateCommands
{
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
        using CancellationTokenSource source = new();
        // An interrupted start is unwound, an interrupted stop says how far it came: neither dies in the middle.
        void Cancel(PosixSignalContext context)
        {
            context.Cancel = true;
            source.Cancel();
        }
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel), terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
        int status = 0;
        foreach (string name in names)
        {
            try
            {
                act(engine, engine.Store.Find(name), source.Token);
            }
            catch (CageException e)
            {
                Messages.Error(e.Message);
                status = ExitStatus.Failed;
            }
        }
        return status;
    }

    private static TimeSpan Patience(string? seconds)
    {
        if (seconds is null) return new StopOptions().Patience;
        return double.TryParse(seconds, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value) && value is >= 0 and <= 86400
            ? TimeSpan.FromSeconds(value)
            : throw new UsageException($"--timeout takes seconds, not \"{seconds}\"");
    }
}
