using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>An open file descriptor, closed when disposed. Every one that Cage opens is close-on-exec (open(2), O_CLOEXEC).</summary>
public sealed partial class Descriptor : SafeHandle
{
    /// <summary>Takes over <paramref name="number"/>, which is closed with this object.</summary>
    public Descriptor(int number)
        : base(-1, ownsHandle: true) => SetHandle(number);

    /// <summary>Whether there is nothing to close.</summary>
    public override bool IsInvalid => handle < 0;

    /// <summary>The number, for calls that take it and for <c>/proc/self/fd</c>. Valid while this object is.</summary>
    public int Number => (int)handle;

    /// <summary>A path by which the kernel finds what this descriptor has open (proc(5), /proc/self/fd).</summary>
    public string ProcPath => $"/proc/self/fd/{Number}";

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => close((int)handle) == 0;

    [LibraryImport("libc")]
    private static partial int close(int fd);
}
