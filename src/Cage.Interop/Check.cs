using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>Turns the result of a system call into a value or a <see cref="LinuxException"/>, reading errno in the next statement.</summary>
internal static class Check
{
    public static int Result(int result, string operation, string? target = null)
    {
        if (result >= 0) return result;
        throw new LinuxException(Marshal.GetLastPInvokeError(), operation, target);
    }

    public static long Result(long result, string operation, string? target = null)
    {
        if (result >= 0) return result;
        throw new LinuxException(Marshal.GetLastPInvokeError(), operation, target);
    }

    public static Descriptor Descriptor(long result, string operation, string? target = null) =>
        new((int)Result(result, operation, target));

    /// <summary>Whether a call that failed was only interrupted (signal(7)), so that it is made again.</summary>
    public static bool Interrupted(long result) => result < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR;
}
