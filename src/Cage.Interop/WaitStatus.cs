namespace Cage.Interop;

/// <summary>How a process ended, as waitpid(2) tells it.</summary>
/// <param name="Raw">The status word.</param>
public readonly record struct WaitStatus(int Raw)
{
    /// <summary>Whether it is only stopped (WIFSTOPPED).</summary>
    public bool IsStopped => (Raw & 0xff) == 0x7f;

    /// <summary>The signal that ended or stopped it, 0 when it exited.</summary>
    public int Signal => IsStopped ? (Raw >> 8) & 0xff : Raw & 0x7f;

    /// <summary>The exit status as a shell has it: its own, or 128 + the signal that ended it.</summary>
    public int ExitStatus => Signal == 0 ? (Raw >> 8) & 0xff : 128 + Signal;
}
