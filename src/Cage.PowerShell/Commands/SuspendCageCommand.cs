using System.Management.Automation;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Suspend-Cage: stops all processes of cages where they stand, without their noticing. One that is suspended is fine.</summary>
[Cmdlet(VerbsLifecycle.Suspend, "Cage", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(CageInfo))]
public sealed class SuspendCageCommand : CageTargetCmdlet
{
    /// <summary>Writes the suspended cages.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override void Act(CageInfo cage)
    {
        if (!ShouldProcess(Describe(cage))) return;
        CageInfo suspended = Work($"Suspending {cage.Name}", work => Engine.Suspend(cage.Record, work.Stop));
        WriteVerbose($"\"{cage.Name}\" stands still.");
        if (PassThru) WriteObject(suspended);
    }
}
