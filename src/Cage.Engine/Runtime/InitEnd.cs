using Cage.Interop;

namespace Cage.Engine.Runtime;

/// <summary>The end of a cage's init, with which the kernel takes its namespaces and every mount in them away.</summary>
internal static class InitEnd
{
    private const int Looks = 1000;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30), _look = TimeSpan.FromMilliseconds(50);

    /// <summary>Kills it and waits until it has ended, or has let go of its namespaces: pid 1 ends only once those whose parent is outside have
    /// been waited for by that, who may be slow, or ourselves (pid_namespaces(7)).</summary>
    /// <exception cref="CageException">CageStopTimeout: it does not even end on KILL.</exception>
    public static void Kill(string cage, int pid, Descriptor init)
    {
        Processes.Signal(init, Processes.SIGKILL);
        long end = Environment.TickCount64 + (long)_patience.TotalMilliseconds;
        while (!ProcessWait.For(init, _look, CancellationToken.None) && HasMounts(pid))
            if (Environment.TickCount64 > end)
                throw new CageException(
                    CageError.CageStopTimeout, $"The init {pid} of \"{cage}\" does not end even on SIGKILL.", "A process in the cage hangs in the kernel (state D in ps).", cage);
    }

    /// <summary>How one ended, to be said in a sentence.</summary>
    /// <param name="pid">Its number.</param>
    /// <param name="init">Its pidfd.</param>
    public static string Describe(int pid, Descriptor init)
    {
        for (int left = Looks; left > 0; left--)
        {
            if (Processes.TryGetEnd(pid, init) is not WaitStatus end)
            {
                Thread.Sleep(1);
                continue;
            }
            return end.Signal switch
            {
                0 => $"with status {end.ExitStatus}",
                Processes.SIGKILL => "killed by SIGKILL: by somebody, or by the kernel for want of memory, which dmesg tells",
                int signal => $"by signal {signal}",
            };
        }
        return "and this kernel does not tell how";
    }

    private static bool HasMounts(int pid)
    {
        try
        {
            return Files.ReadLink($"/proc/{pid}/ns/mnt") is not null;
        }
        catch (LinuxException)
        {
            // It went between the look for it and the look at it: EACCES, even for root.
            return false;
        }
    }
}
