using Cage.Interop;

namespace Cage.Engine.Runtime;

/// <summary>Signals on their way to a command in a cage.</summary>
public static class CommandSignal
{
    /// <summary>Hands one on. What is to end the command has it go on as well: one that somebody in the cage has stopped would see it only then.</summary>
    public static void HandOn(Descriptor process, int signal)
    {
        Processes.Signal(process, signal);
        LetEnd(process, signal);
    }

    /// <summary>For one that the command has got by itself, from a key.</summary>
    public static void LetEnd(Descriptor process, int signal)
    {
        if (signal is Processes.SIGTERM or Processes.SIGHUP or Processes.SIGINT or Processes.SIGQUIT) Processes.Signal(process, Processes.SIGCONT);
    }
}
