using System.Management.Automation;
using Cage.Engine.Snapshots;

namespace Cage.PowerShell.Commands;

/// <summary>Remove-CageSnapshot: removes snapshots with the read-only cages that stand for them, and asks before. One that is below a cage stays.</summary>
[Cmdlet(VerbsCommon.Remove, "CageSnapshot", DefaultParameterSetName = NameSet, SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(void))]
public sealed class RemoveCageSnapshotCommand : CageSnapshotCmdlet
{
    /// <summary>Names, with wildcards.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = NameSet, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(CageSnapshotCompleter))]
    public override string[] Name { get; set; } = [];

    /// <summary>Snapshots, as Get-CageSnapshot writes them.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = InputObjectSet, ValueFromPipeline = true)]
    [ValidateNotNull]
    public CageSnapshot[] InputObject { get; set; } = [];

    /// <summary>Does not ask, and removes one that is below cages too, which are then without their base; never one below a cage that runs.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (string name in ParameterSetName == NameSet ? Name : [])
            Try(name, () =>
            {
                foreach (CageSnapshot snapshot in Named(name)) Remove(snapshot);
            });
        foreach (CageSnapshot snapshot in InputObject) Remove(snapshot);
    }

    private void Remove(CageSnapshot snapshot) => Try(snapshot, () =>
    {
        if (IsWhatIf) Engine.RefuseSnapshotRemoval(snapshot, Force);
        // Whoever says -Force is not asked, unless by -Confirm.
        if ((!Force || IsWhatIf || IsGiven("Confirm")) && !ShouldProcess(snapshot.Path)) return;
        Work($"Removing {snapshot.Name}", work => Engine.RemoveSnapshot(Engine.FindSnapshot(snapshot.Name), Force, work.Stop));
        WriteVerbose($"{snapshot.Path} is removed.");
    });
}
