using System.Management.Automation;
using Cage.Engine.Snapshots;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Copy-Cage: copies a stopped cage with all its files; the copy has another id and name.</summary>
[Cmdlet(VerbsCommon.Copy, "Cage", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(CageInfo))]
public sealed class CopyCageCommand : CageTargetCmdlet
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(1);

    /// <summary>The copy's name.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [ValidateNotNullOrEmpty]
    public string NewName { get; set; } = "";

    /// <summary>The copy's id; a random one by default.</summary>
    [Parameter]
    public Guid? NewId { get; set; }

    /// <summary>Gives the copy a machine-id and ssh host keys of its own.</summary>
    [Parameter]
    public SwitchParameter RenewIdentity { get; set; }

    private protected override void Act(CageInfo cage)
    {
        if (!ShouldProcess($"{Describe(cage)} to {NewName}")) return;
        CageInfo copy = Engine.Copy(cage.Record, NewName, NewId, RenewIdentity, progress => Show(cage, progress), Stop);
        WriteVerbose($"\"{copy.Name}\" is a copy of \"{cage.Name}\": {copy.Path}.");
        WriteObject(copy);
    }

    private void Show(CageInfo cage, CopyProgress progress)
    {
        if (progress.Elapsed < _patience) return;
        WriteProgress(new ProgressRecord(0, $"Copying {cage.Name}", $"{progress.Files} of {progress.AllFiles} files, {progress.Bytes >> 20} of {progress.AllBytes >> 20} MiB")
        {
            PercentComplete = progress.Percent ?? -1,
            SecondsRemaining = (int)(progress.Left?.TotalSeconds ?? -1),
        });
    }
}
