using Cage.Interop;

namespace Cage.Engine.Runtime;

/// <summary>Signals on their way to a command in a cage. One that is to end it has it go on as well: what somebody in the cage has stopped would see it only then.</summary>
public static class CommandSignal
{
    /// <summary>Hands one on to the command, or to another process of the cage.</summary>
    public static void HandOn(Descriptor process, int signal)
    {
        Processes.Signal(process, signal);
        if (IsAnEnd(signal)) Processes.Signal(process, Processes.SIGCONT);
    }

    /// <summary>Hands one on to all of the command's process group.</summary>
    /// <param name="process">The command, not waited for yet.</param>
    /// <param name="signal">The signal.</param>
    public static void HandOnToGroup(SpawnedProcess process, int signal)
    {
        ArgumentNullException.ThrowIfNull(process);
        Processes.Kill(-process.Id, signal);
        if (IsAnEnd(signal)) Processes.Kill(-process.Id, Processes.SIGCONT);
    }

    private static bool IsAnEnd(int signal) => signal is Processes.SIGTERM or Processes.SIGHUP or Processes.SIGINT or Processes.SIGQUIT;
}
