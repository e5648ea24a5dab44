using System.Diagnostics;
using System.Management.Automation;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Wait-Cage: waits until cages are stopped, or run. They are waited for together.</summary>
[Cmdlet(VerbsLifecycle.Wait, "Cage", DefaultParameterSetName = NameSet)]
[OutputType(typeof(CageInfo))]
public sealed class WaitCageCommand : CageTargetCmdlet
{
    private readonly List<CageInfo> _cages = [];

    /// <summary>What is waited for; Stopped by default.</summary>
    [Parameter]
    public CageState State { get; set; } = CageState.Stopped;

    /// <summary>How many seconds at most, for all together; for ever by default.</summary>
    [Parameter]
    [ValidateRange(0d, 86400d)]
    public double TimeoutSeconds { get; set; }

    /// <summary>Writes the cages that came to it.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override void Act(CageInfo cage) => _cages.Add(cage);

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        long start = Stopwatch.GetTimestamp();
        foreach (CageInfo cage in _cages)
            Try(cage, () =>
            {
                TimeSpan left = Left(start);
                CageInfo now = Work($"Waiting for {cage.Name}", work =>
                {
                    work.Await($"until it is {State}", left == Timeout.InfiniteTimeSpan ? null : left);
                    return Engine.Wait(cage, State, left, work.Stop);
                });
                if (PassThru) WriteObject(now);
            });
    }

    private TimeSpan Left(long start)
    {
        if (!IsGiven(nameof(TimeoutSeconds))) return Timeout.InfiniteTimeSpan;
        TimeSpan left = TimeSpan.FromSeconds(TimeoutSeconds) - Stopwatch.GetElapsedTime(start);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }
}
