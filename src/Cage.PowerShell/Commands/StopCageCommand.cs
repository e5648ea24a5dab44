using System.Management.Automation;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Stop-Cage: stops cages, or clears what a killed start has left; one that is stopped is fine. -WhatIf shows the plan.</summary>
[Cmdlet(VerbsLifecycle.Stop, "Cage", DefaultParameterSetName = NameSet, SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(CageInfo))]
public sealed class StopCageCommand : CageStopCmdlet
{
    private protected override CageInfo Do(CageInfo cage)
    {
        StopOne(cage);
        return Engine.Look(cage.Record);
    }
}
