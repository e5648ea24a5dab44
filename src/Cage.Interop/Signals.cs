using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>Signals as bytes on a pipe, for the <c>cage</c> program only (Cage.Native/signals.c, linked into it).</summary>
public static unsafe partial class Signals
{
    /// <summary>Lets each of <paramref name="numbers"/> write two bytes to a pipe: its number, and 1 where the kernel itself sent it
    /// (a key on the terminal). SIGTERM, SIGHUP, SIGINT and SIGQUIT also end what <see cref="Spawn.Start"/> is starting, and it starts nothing more. To be called once.</summary>
    /// <param name="numbers">The signals.</param>
    /// <param name="keepIgnored">Whether those that the caller of this program ignores stay ignored (nohup(1)).</param>
    /// <returns>The pipe's read end, non-blocking.</returns>
    public static Descriptor Watch(ReadOnlySpan<int> numbers, bool keepIgnored = false)
    {
        fixed (int* first = numbers) return Check.Descriptor(cage_watch_signals(first, (uint)numbers.Length, keepIgnored ? 1 : 0), "sigaction");
    }

    /// <summary>Stops this process as SIGTSTP by itself would, where there is a shell to let it go on; returns when it does.</summary>
    public static void StandStill() => cage_stand_still(Processes.SIGTSTP);

    [LibraryImport("cage-signals")]
    private static partial void cage_stand_still(int number);

    [LibraryImport("cage-signals", SetLastError = true)]
    private static partial int cage_watch_signals(int* numbers, uint count, int keepIgnored);
}
