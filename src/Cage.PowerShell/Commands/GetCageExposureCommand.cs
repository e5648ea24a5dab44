using System.Management.Automation;
using Cage.Engine.Exposure;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Get-CageExposure: what of the host can be reached from inside cages, the worst first, each with the setting that closes it.</summary>
[Cmdlet(VerbsCommon.Get, "CageExposure", DefaultParameterSetName = NameSet)]
[OutputType(typeof(CageExposure))]
public sealed class GetCageExposureCommand : CageQueryCmdlet
{
    /// <summary>Only what is at least as grave.</summary>
    [Parameter]
    public ExposureRisk MinimumRisk { get; set; }

    private protected override void Act(CageInfo cage) => WriteObject(Work($"Looking into {cage.Name}", _ => Engine.FindExposure(cage)).Where(item => item.Risk >= MinimumRisk), enumerateCollection: true);
}
