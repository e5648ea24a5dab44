using System.Globalization;
using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>Processes by pidfd, so that a number used again is never mistaken for the process meant (pidfd_open(2)).</summary>
public static unsafe partial class Processes
{
#pragma warning disable CS1591 // signal(7), waitid(2), prctl(2).
    public const int SIGHUP = 1, SIGINT = 2, SIGQUIT = 3, SIGKILL = 9, SIGUSR1 = 10, SIGUSR2 = 12, SIGTERM = 15, SIGCHLD = 17, SIGCONT = 18,
        SIGSTOP = 19, SIGTSTP = 20, SIGTTIN = 21, SIGTTOU = 22, SIGWINCH = 28, SIGPWR = 30;

    private const int SYS_pidfd_send_signal = 424, SYS_pidfd_open = 434;
    private const int WNOHANG = 1, WUNTRACED = 2, P_PID = 1, P_PIDFD = 3, WEXITED = 4;
    private const ulong PIDFD_INFO_EXIT = 8;
    private const uint PIDFD_GET_INFO = 0xc040ff0b;
    private const int PR_SET_PDEATHSIG = 1, PR_GET_PDEATHSIG = 2, PR_SET_CHILD_SUBREAPER = 36;
#pragma warning restore CS1591

    /// <summary>Opens a process; null when there is none of that number (pidfd_open(2)).</summary>
    public static Descriptor? TryOpen(int pid)
    {
        long number = syscall(SYS_pidfd_open, pid, 0);
        if (number >= 0) return new Descriptor((int)number);
        int error = Marshal.GetLastPInvokeError();
        // EINVAL: it is a thread, not a process, that has the number.
        return error is Errno.ESRCH or Errno.EINVAL ? null : throw new LinuxException(error, "pidfd_open", $"{pid}");
    }

    /// <summary>Sends a signal; false when the process is gone already (pidfd_send_signal(2)).</summary>
    public static bool Signal(Descriptor process, int signal)
    {
        long result = syscall(SYS_pidfd_send_signal, process.Number, signal, 0, 0);
        if (result >= 0) return true;
        int error = Marshal.GetLastPInvokeError();
        return error == Errno.ESRCH ? false : throw new LinuxException(error, "pidfd_send_signal", $"{signal}");
    }

    /// <summary>Waits for a child of this process to end and takes its status, by its number alone: .NET must not lose its own children.</summary>
    /// <returns>How it ended (waitpid(2)).</returns>
    /// <exception cref="LinuxException">ECHILD: no such child, or it was waited for already.</exception>
    public static WaitStatus Wait(int pid)
    {
        int status;
        int result;
        do result = waitpid(pid, &status, 0);
        while (Check.Interrupted(result));
        Check.Result(result, "waitpid", $"{pid}");
        return new WaitStatus(status);
    }

    /// <summary>Takes the status of a child that has ended or stopped; null while it runs (waitpid(2), WNOHANG | WUNTRACED).</summary>
    /// <param name="pid">A child, or -1 for any: only for a process that has no children of .NET's own.</param>
    /// <param name="which">The child that it is about, 0 for none (also when there are no children).</param>
    public static WaitStatus? TryWait(int pid, out int which)
    {
        int status;
        which = waitpid(pid, &status, WNOHANG | (pid > 0 ? WUNTRACED : 0));
        if (which > 0) return new WaitStatus(status);
        if (which < 0 && Marshal.GetLastPInvokeError() is int error and not Errno.ECHILD) throw new LinuxException(error, "waitpid", $"{pid}");
        which = 0;
        return null;
    }

    /// <summary>How a process ended, whosever child it is; null while it runs, and where the kernel does not tell. One that has not been waited for is asked by its
    /// number (proc_pid_stat(5), field 52), one that has by its pidfd (PIDFD_GET_INFO, Linux 6.15).</summary>
    /// <param name="pid">Its number.</param>
    /// <param name="process">Its pidfd.</param>
    public static WaitStatus? TryGetEnd(int pid, Descriptor process)
    {
        if (!Channels.WaitReadable(process, 0)) return null;
        PidInfo info = new() { Mask = PIDFD_INFO_EXIT };
        if (ioctl(process.Number, PIDFD_GET_INFO, &info) == 0 && (info.Mask & PIDFD_INFO_EXIT) != 0) return new WaitStatus(info.ExitCode);
        try
        {
            // A zombie keeps its number: who has it now is still this one, or the pidfd says so the next time.
            string[] fields = File.ReadAllText($"/proc/{pid}/stat").Split(')')[^1].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return fields[0] == "Z" ? new WaitStatus(int.Parse(fields[^1], CultureInfo.InvariantCulture)) : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Sends a signal by number; a process that is gone is fine (kill(2)).</summary>
    public static void Kill(int pid, int signal)
    {
        if (kill(pid, signal) < 0 && Marshal.GetLastPInvokeError() is int error and not Errno.ESRCH)
            throw new LinuxException(error, "kill", $"{pid}");
    }

    /// <summary>Whether there is any other process in this pid namespace that signals may be sent to (kill(2), pid -1).</summary>
    public static bool AnyOther() => kill(-1, 0) == 0;

    /// <summary>Makes this process the one that orphans below it are handed to (prctl(2), PR_SET_CHILD_SUBREAPER).</summary>
    public static void BecomeSubreaper() => Check.Result(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl", "PR_SET_CHILD_SUBREAPER");

    /// <summary>The signal that this process gets when the thread that started it ends; 0 for none (prctl(2), PR_SET_PDEATHSIG). A change of who it is clears it.</summary>
    public static int DeathSignal
    {
        get
        {
            int signal = 0;
            Check.Result(prctl(PR_GET_PDEATHSIG, (nint)(&signal), 0, 0, 0), "prctl", "PR_GET_PDEATHSIG");
            return signal;
        }
        set => Check.Result(prctl(PR_SET_PDEATHSIG, value, 0, 0, 0), "prctl", "PR_SET_PDEATHSIG");
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial long syscall(long number, nint a, nint b);

    [LibraryImport("libc", SetLastError = true)]
    private static partial long syscall(long number, nint a, nint b, nint c, nint d);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int waitpid(int pid, int* status, int options);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int pid, int signal);

    /// <summary>struct pidfd_info of linux/pidfd.h, in its first size.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct PidInfo
    {
        public ulong Mask, ControlGroup;
        public fixed uint Numbers[11];
        public int ExitCode;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(int file, nuint request, PidInfo* info);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int prctl(int option, nint a, nint b, nint c, nint d);
}
