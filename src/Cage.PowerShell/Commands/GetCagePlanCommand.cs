using System.Management.Automation;
using Cage.Engine.Plans;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>What a plan is for.</summary>
public enum CagePlanAction
{
    /// <summary>A start.</summary>
    Start,

    /// <summary>A stop.</summary>
    Stop,
}

/// <summary>Get-CagePlan: the steps that a start or a stop would take. Nothing is done.</summary>
[Cmdlet(VerbsCommon.Get, "CagePlan", DefaultParameterSetName = NameSet)]
[OutputType(typeof(PlanLine))]
public sealed class GetCagePlanCommand : CageTargetCmdlet
{
    /// <summary>Of what; by default of a stop where the cage runs, of a start where it does not.</summary>
    [Parameter]
    public CagePlanAction? Action { get; set; }

    /// <summary>The plan of a forced stop.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    private protected override void Act(CageInfo cage)
    {
        bool stops = (Action ?? (cage.State == CageState.Stopped ? CagePlanAction.Start : CagePlanAction.Stop)) == CagePlanAction.Stop;
        Plan plan = stops ? Engine.PlanStop(cage.Record, new StopOptions { Force = Force }) : Engine.PlanStart(cage.Record);
        WriteObject(plan.Lines, enumerateCollection: true);
    }
}
