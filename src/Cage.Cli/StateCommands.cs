using System.Globalization;
using Cage.Engine;
using Cage.Engine.Plans;
using Cage.Engine.Store;

namespace Cage.Cli;

/// <summary>cage start, cage stop, cage remove, and others that act: each name in turn; one that fails does not keep the others.</summary>
internal static class StateCommands
{
    public static int Start(Arguments arguments)
    {
        StartOptions options = new() { ReadOnly = arguments.Has("--read-only") };
        return ForEach(arguments, (engine, cage, cancellation) => engine.Start(cage, options, Messages.Warning, cancellation: cancellation));
    }

    public static int Stop(Arguments arguments)
    {
        StopOptions options = new() { Force = arguments.Has("--force"), Patience = Patience(arguments.Value("--timeout")) };
        return ForEach(arguments, (engine, cage, cancellation) => engine.Stop(cage, options, Messages.Warning, cancellation: cancellation));
    }

    public static int Suspend(Arguments arguments) => ForEach(arguments, (engine, cage, cancellation) => engine.Suspend(cage, cancellation));

    public static int Resume(Arguments arguments) => ForEach(arguments, (engine, cage, cancellation) => engine.Resume(cage, cancellation));

    public static int Remove(Arguments arguments)
    {
        bool force = arguments.Has("--force");
        return ForEach(arguments, (engine, cage, cancellation) => engine.Remove(cage, force, Messages.Warning, cancellation: cancellation), CageEngine.RemovalOrder);
    }

    public static int Publish(Arguments arguments) => ForEach(arguments, (engine, cage, cancellation) => engine.Publish(cage, cancellation));

    /// <summary>Does something to each cage that is named, in that order or in the one that <paramref name="order"/> makes of it.</summary>
    public static int ForEach(
        Arguments arguments, Action<CageEngine, CageRecord, CancellationToken> act, Func<IReadOnlyList<CageRecord>, IReadOnlyList<CageRecord>>? order = null)
    {
        IReadOnlyList<string> names = arguments.SomeNames();
        CageEngine engine = Commands.OpenEngine();
        CancellationToken cancellation = Interruption.Watch();
        int status = 0;
        List<CageRecord> found = [];
        foreach (string name in names) Try(() => found.Add(engine.Store.Find(name)));
        foreach (CageRecord cage in order?.Invoke(found) ?? found) Try(() => act(engine, cage, cancellation));
        return status;

        void Try(Action action)
        {
            try
            {
                action();
            }
            catch (CageException e)
            {
                Messages.Error(e.Message);
                status = ExitStatus.Failed;
            }
        }
    }

    /// <summary>An option's seconds.</summary>
    internal static TimeSpan Seconds(string seconds) =>
        double.TryParse(seconds, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value) && value is >= 0 and <= 86400
            ? TimeSpan.FromSeconds(value)
            : throw new UsageException($"--timeout takes seconds, not \"{seconds}\"");

    private static TimeSpan Patience(string? seconds) => seconds is null ? new StopOptions().Patience : Seconds(seconds);
}
