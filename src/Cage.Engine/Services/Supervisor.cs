using Cage.Engine.Runtime;
using Cage.Interop;

namespace Cage.Engine.Services;

/// <summary>The process that holds a service (<c>cage supervise</c>). It lives in the cage's control group, so that a stop ends it like all that runs
/// there, but outside of its namespaces: nobody inside reaches it, nor the log that it writes. One for each service, the same for every isolation.</summary>
public static class Supervisor
{
    /// <summary>The descriptor on which it is told what to run.</summary>
    private const int Order = 3;

    /// <summary>Runs it. Returns the process's exit status.</summary>
    public static int Run()
    {
        OwnMemory.Outlive();
        using Descriptor signals = Signals.Watch([Processes.SIGTERM, Processes.SIGINT, Processes.SIGHUP]);
        using ServiceChannel channel = new(new Descriptor(Order));
        try
        {
            if (channel.ReceiveOrder() is not var (settings, cage, service)) return 1;
            using (ServiceRun run = new(settings, cage, service, signals))
            {
                run.Start();
                if (run.GoesOn)
                {
                    channel.SendOutcome(null);
                    channel.Dispose();
                    run.Hold();
                    return 0;
                }
            }
            // Whoever hears of it looks at once: what has run to its end must have given up its lock by then.
            channel.SendOutcome(null);
            return 0;
        }
        catch (CageException e)
        {
            return Fail(channel, e);
        }
        catch (LinuxException e)
        {
            return Fail(channel, new CageException(CageError.CageStartFailed, $"The service was not started: {e.Message}.", inner: e));
        }
    }

    /// <summary>Whoever started it may be gone by now.</summary>
    private static int Fail(ServiceChannel channel, CageException failure)
    {
        try
        {
            channel.SendOutcome(failure);
        }
        catch (Exception e) when (e is LinuxException or ObjectDisposedException)
        {
        }
        return 1;
    }
}
