using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>Signals as bytes on a pipe, for the <c>cage</c> program only (Cage.Native/signals.c, linked into it).</summary>
public static unsafe partial class Signals
{
    /// <summary>Lets each of <paramref name="numbers"/> write two bytes to a pipe: its number, and 1 where the kernel itself sent it
    /// (a key on the terminal). To be called once.</summary>
    /// <returns>The pipe's read end, non-blocking.</returns>
    public static Descriptor Watch(ReadOnlySpan<int> numbers)
    {
        fixed (int* first = numbers) return Check.Descriptor(cage_watch_signals(first, (uint)numbers.Length), "sigaction");
    }

    [LibraryImport("cage-signals", SetLastError = true)]
    private static partial int cage_watch_signals(int* numbers, uint count);
}
