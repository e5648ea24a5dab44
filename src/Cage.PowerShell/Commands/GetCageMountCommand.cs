using System.Management.Automation;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Get-CageMount: the mounts of running cages, from the kernel's own tables. One that is stopped has none.</summary>
[Cmdlet(VerbsCommon.Get, "CageMount", DefaultParameterSetName = NameSet)]
[OutputType(typeof(CageMount))]
public sealed class GetCageMountCommand : CageQueryCmdlet
{
    private protected override void Act(CageInfo cage) => WriteObject(Engine.GetMounts(cage), enumerateCollection: true);
}
