using System.Diagnostics;

namespace Cage.Cli.Tests;

/// <summary>Waiting for what happens in another process.</summary>
internal static class Wait
{
    public static void Until(Func<bool> condition, Func<string> otherwise)
    {
        if (!For(condition, Child.Patience)) Assert.Fail(otherwise());
    }

    public static bool For(Func<bool> condition, TimeSpan patience)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(start) > patience) return false;
            Thread.Sleep(5);
        }
        return true;
    }

    /// <summary>Waits a time that Thread.Sleep is too coarse for.</summary>
    public static void Exactly(TimeSpan time)
    {
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < time) Thread.SpinWait(20);
    }
}
