using System.Management.Automation;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Rename-Cage: gives a cage another name. Its id, and with it its folder, stay; its host name follows at the next start.</summary>
[Cmdlet(VerbsCommon.Rename, "Cage", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(CageInfo))]
public sealed class RenameCageCommand : CageTargetCmdlet
{
    /// <summary>The new name.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string NewName { get; set; } = "";

    /// <summary>Writes the renamed cage.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override void Act(CageInfo cage)
    {
        if (!ShouldProcess($"{Describe(cage)} to {NewName}")) return;
        CageInfo renamed = Work($"Renaming {cage.Name}", work => Engine.Change(cage.Record, before => before with { Name = NewName }, work.Stop));
        WriteVerbose($"\"{cage.Name}\" is \"{renamed.Name}\" now; its folder stays {renamed.Path}.");
        if (PassThru) WriteObject(renamed);
    }
}
