using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>Locks that tell who has them (fcntl(2), F_SETLK): they go with the process, so that what they say is true at every moment.</summary>
public static unsafe partial class RecordLock
{
    private const int F_GETLK = 5, F_SETLK = 6;
    private const short F_WRLCK = 1, F_UNLCK = 2;

    /// <summary>Takes the lock of a file for this process; false when another has it. It goes when the process closes any descriptor of the file.</summary>
    public static bool TryTake(Descriptor file)
    {
        Lock wish = new() { Type = F_WRLCK };
        if (fcntl(file.Number, F_SETLK, &wish) == 0) return true;
        int error = Marshal.GetLastPInvokeError();
        return error is Errno.EAGAIN or Errno.EACCES ? false : throw new LinuxException(error, "fcntl", "F_SETLK");
    }

    /// <summary>The number of the other process that has the lock of a file; null when none has.</summary>
    public static int? Holder(Descriptor file)
    {
        Lock wish = new() { Type = F_WRLCK };
        Check.Result(fcntl(file.Number, F_GETLK, &wish), "fcntl", "F_GETLK");
        return wish.Type == F_UNLCK || wish.Pid <= 0 ? null : wish.Pid;
    }

    /// <summary>struct flock, as 64-bit kernels have it.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Lock
    {
        public short Type, Whence;
        public long Start, Length;
        public int Pid;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int file, int command, Lock* argument);
}
