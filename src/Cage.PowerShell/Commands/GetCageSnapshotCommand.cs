using System.Management.Automation;
using Cage.Engine.Snapshots;

namespace Cage.PowerShell.Commands;

/// <summary>Get-CageSnapshot: the snapshots there are, the oldest first.</summary>
[Cmdlet(VerbsCommon.Get, "CageSnapshot")]
[OutputType(typeof(CageSnapshot))]
public sealed class GetCageSnapshotCommand : CageSnapshotCmdlet
{
    /// <summary>Names, with wildcards; all snapshots by default.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(CageSnapshotCompleter))]
    public override string[] Name { get; set; } = ["*"];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (string name in Name)
            Try(name, () =>
            {
                foreach (CageSnapshot snapshot in Named(name))
                {
                    WriteObject(snapshot);
                    if (snapshot.IsUnfinished) WriteWarning($"{snapshot.Name} was not finished: its command was killed. Remove-CageSnapshot {snapshot.Name} clears it.");
                }
            });
    }
}
