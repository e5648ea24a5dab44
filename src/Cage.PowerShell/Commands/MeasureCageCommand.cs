using System.Management.Automation;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Measure-Cage: what cages use of processor, memory, disks; of one that is stopped, what its own files take.</summary>
[Cmdlet(VerbsDiagnostic.Measure, "Cage", DefaultParameterSetName = NameSet)]
[OutputType(typeof(CageUsage))]
public sealed class MeasureCageCommand : CageQueryCmdlet
{
    private protected override void Act(CageInfo cage) => WriteObject(Work($"Measuring {cage.Name}", work => Engine.Measure(cage, work.Stop)));
}
