using System.Globalization;
using Cage.Engine;
using Cage.Engine.State;
using Cage.Engine.Store;

namespace Cage.Cli;

/// <summary>cage wait, cage log</summary>
internal static class WatchCommands
{
    private static readonly string[] _states = ["stopped", "running"];

    public static int Wait(Arguments arguments)
    {
        IReadOnlyList<string> names = arguments.SomeNames();
        CageState state = (CageState)arguments.Word("--until", _states, (int)CageState.Stopped);
        TimeSpan? limit = arguments.Value("--timeout") is string seconds ? StateCommands.Seconds(seconds) : null;
        CageEngine engine = Commands.OpenEngine();
        long end = limit is TimeSpan most ? Environment.TickCount64 + (long)most.TotalMilliseconds : 0;
        foreach (string name in names)
            engine.Wait(engine.Find(name), state, limit is null ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(Math.Max(0, end - Environment.TickCount64)));
        return 0;
    }

    public static int Log(Arguments arguments)
    {
        string name = arguments.OneName();
        int? tail = arguments.Value("--tail") is not string count ? null
            : int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : throw new UsageException($"--tail takes a number, not \"{count}\"");
        string? wanted = arguments.Value("--log");
        CageRecord cage = Commands.OpenEngine().Store.Find(name);
        CageLog[] logs = [.. CageLog.Of(cage).Where(log => wanted is null || log.Name == wanted)];
        if (wanted is not null && logs.Length == 0)
            throw new CageException(
                CageError.CageNotFound, $"\"{cage.Name}\" has no log \"{wanted}\".", $"It has {string.Join(", ", CageLog.Of(cage).Select(log => log.Name).DefaultIfEmpty("none"))}.", wanted);
        foreach (CageLog log in logs)
        {
            if (logs.Length > 1) Console.WriteLine($"==> {log.Name} <==");
            var (position, end) = log.Span(tail);
            while (position < end && log.ReadOn(ref position, unfinished: true) is { Count: > 0 } lines)
                foreach (string line in lines) Console.WriteLine(line);
        }
        return 0;
    }
}
