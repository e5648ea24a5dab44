using System.Management.Automation;
using Cage.Engine.State;
using Cage.Engine.Store;

namespace Cage.PowerShell.Commands;

/// <summary>Get-Cage: the cages there are, with what the kernel says of them at this moment. A broken one is an error and hides no other.</summary>
[Cmdlet(VerbsCommon.Get, "Cage", DefaultParameterSetName = NameSet)]
[OutputType(typeof(CageInfo))]
public sealed class GetCageCommand : CageQueryCmdlet
{
    /// <summary>Only those in these states.</summary>
    [Parameter]
    public CageState[]? State { get; set; }

    /// <summary>Only read-only or only writable ones.</summary>
    [Parameter]
    public CageKind[]? Kind { get; set; }

    /// <summary>Only those entered in these ways.</summary>
    [Parameter]
    public CageIsolation[]? Isolation { get; set; }

    private protected override void Act(CageInfo cage)
    {
        if (State?.Contains(cage.State) == false || Kind?.Contains(cage.Kind) == false) return;
        if (Isolation is not null && !(cage.Isolation is CageIsolation isolation && Isolation.Contains(isolation))) return;
        WriteObject(cage);
    }
}
