using System.Management.Automation;
using Cage.Engine.Plans;
using Cage.Engine.State;

namespace Cage.PowerShell;

/// <summary>A cmdlet that stops cages in a way that can be chosen.</summary>
public abstract class CageStopCmdlet : CageTargetCmdlet
{
    private protected CageStopCmdlet()
    {
    }

    /// <summary>How many seconds the stop script may take, and then what runs after TERM, before it is killed.</summary>
    [Parameter]
    [ValidateRange(0d, 86400d)]
    public double TimeoutSeconds { get; set; } = 10;

    /// <summary>Kills at once, without the stop script, and detaches lazily what stays busy.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Writes the cages as they are then.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected StopOptions Options => new() { Patience = TimeSpan.FromSeconds(TimeoutSeconds), Force = Force };

    /// <summary>What -WhatIf shows of one.</summary>
    private protected virtual void Show(CageInfo cage) => ShowStop(cage, Options);

    /// <summary>Does it to one that was agreed on. Returns it as it is then.</summary>
    private protected abstract CageInfo Do(CageInfo cage);

    private protected sealed override void Act(CageInfo cage)
    {
        if (IsWhatIf)
        {
            Show(cage);
            return;
        }
        if (!ShouldProcess(Describe(cage))) return;
        CageInfo done = Do(cage);
        if (PassThru) WriteObject(done);
    }

    private protected void StopOne(CageInfo cage)
    {
        bool did = Engine.Stop(cage.Record, Options, WriteWarning, Stop);
        WriteVerbose(did ? $"\"{cage.Name}\" is stopped." : $"\"{cage.Name}\" was stopped already.");
    }
}
