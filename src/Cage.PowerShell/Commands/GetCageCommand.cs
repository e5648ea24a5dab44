using System.Management.Automation;
using Cage.Engine.State;
using Cage.Engine.Store;

namespace Cage.PowerShell.Commands;

/// <summary>Get-Cage: the cages there are, with what the kernel says of them at this moment. A broken one is an error and hides no other.</summary>
[Cmdlet(VerbsCommon.Get, "Cage", DefaultParameterSetName = NameSet)]
[OutputType(typeof(CageInfo), typeof(CageTreeNode))]
public sealed class GetCageCommand : CageQueryCmdlet
{
    private readonly List<CageInfo> _tree = [];

    /// <summary>Only those in these states.</summary>
    [Parameter]
    public CageState[]? State { get; set; }

    /// <summary>Only read-only or only writable ones.</summary>
    [Parameter]
    public CageKind[]? Kind { get; set; }

    /// <summary>Only those entered in these ways.</summary>
    [Parameter]
    public CageIsolation[]? Isolation { get; set; }

    /// <summary>Writes them as a tree: each with what stands over it.</summary>
    [Parameter]
    public SwitchParameter Tree { get; set; }

    /// <inheritdoc/>
    protected override void EndProcessing() => WriteObject(CageTree.Of(_tree), enumerateCollection: true);

    private protected override void Act(CageInfo cage)
    {
        if (State?.Contains(cage.State) == false || Kind?.Contains(cage.Kind) == false) return;
        if (Isolation is not null && !(cage.Isolation is CageIsolation isolation && Isolation.Contains(isolation))) return;
        if (Tree) _tree.Add(cage);
        else WriteObject(cage);
    }
}
