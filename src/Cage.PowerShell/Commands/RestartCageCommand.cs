using System.Management.Automation;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Restart-Cage: stops cages and starts them again; one that is stopped is started. -WhatIf shows both plans.</summary>
[Cmdlet(VerbsLifecycle.Restart, "Cage", DefaultParameterSetName = NameSet, SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(CageInfo))]
public sealed class RestartCageCommand : CageStopCmdlet
{
    private protected override void Show(CageInfo cage)
    {
        base.Show(cage);
        ShowPlan(Engine.PlanStart(cage.Record));
    }

    private protected override CageInfo Do(CageInfo cage)
    {
        // What cannot be started again is not stopped either.
        Engine.PlanStart(cage.Record);
        StopOne(cage);
        CageInfo started = Work($"Starting {cage.Name}", work => Engine.Start(cage.Record, null, work.Warn, work.Show, work.Stop));
        WriteVerbose($"\"{started.Name}\" runs again, its files at {started.RootPath}.");
        return started;
    }
}
