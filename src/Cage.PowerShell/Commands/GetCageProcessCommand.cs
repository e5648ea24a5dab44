using System.Management.Automation;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Get-CageProcess: the processes of running cages, their inits included. Ids are the host's, so that Stop-Process and the like take them.</summary>
[Cmdlet(VerbsCommon.Get, "CageProcess", DefaultParameterSetName = NameSet)]
[OutputType(typeof(CageProcess))]
public sealed class GetCageProcessCommand : CageQueryCmdlet
{
    private protected override void Act(CageInfo cage) => WriteObject(Engine.GetProcesses(cage), enumerateCollection: true);
}
