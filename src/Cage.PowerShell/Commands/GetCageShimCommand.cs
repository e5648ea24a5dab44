using System.Management.Automation;
using Cage.Engine.Roots;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Get-CageShim: the wrappers and links on the host that lead into cages.</summary>
[Cmdlet(VerbsCommon.Get, "CageShim", DefaultParameterSetName = NameSet)]
[OutputType(typeof(CageShim))]
public sealed class GetCageShimCommand : CageQueryCmdlet
{
    private protected override void Act(CageInfo cage) => WriteObject(Engine.GetShims(cage.Record), enumerateCollection: true);
}
