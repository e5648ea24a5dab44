using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>An open file descriptor, closed when disposed. Every one that Cage opens is close-on-exec (open(2), O_CLOEXEC).</summary>
public sealed partial class Descriptor : SafeHandle
{
    private const int LOCK_UN = 8;

    /// <summary>Takes over <paramref name="number"/>, which is closed with this object.</summary>
    public Descriptor(int number)
        : base(-1, ownsHandle: true) => SetHandle(number);

    /// <summary>Whether there is nothing to close.</summary>
    public override bool IsInvalid => handle < 0;

    /// <summary>The number, for calls that take it and for <c>/proc/self/fd</c>. Valid while this object is.</summary>
    public int Number => (int)handle;

    /// <summary>A path by which the kernel finds what this descriptor has open (proc(5), /proc/self/fd).</summary>
    public string ProcPath => $"/proc/self/fd/{Number}";

    /// <summary>Whether it holds a lock of <see cref="Files.Lock"/>, which is freed with it.</summary>
    internal bool IsLocked { get; set; }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        // The close alone would not do: a child that another thread has just cloned has this descriptor too until it executes.
        bool freed = !IsLocked || flock((int)handle, LOCK_UN) == 0;
        return close((int)handle) == 0 && freed;
    }

    [LibraryImport("libc")]
    private static partial int close(int fd);

    [LibraryImport("libc")]
    private static partial int flock(int fd, int operation);
}
