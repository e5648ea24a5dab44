using System.Management.Automation;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Copy-Cage: copies a stopped cage with all its files; the copy has another id and name.</summary>
[Cmdlet(VerbsCommon.Copy, "Cage", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(CageInfo))]
public sealed class CopyCageCommand : CageTargetCmdlet
{
    /// <summary>The copy's name.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
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
        CageInfo copy = Work($"Copying {cage.Name}", work => Engine.Copy(cage.Record, NewName, NewId, RenewIdentity, work.Show, work.Stop));
        WriteVerbose($"\"{copy.Name}\" is a copy of \"{cage.Name}\": {copy.Path}.");
        WriteObject(copy);
    }
}
