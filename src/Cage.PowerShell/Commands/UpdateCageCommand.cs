using System.Management.Automation;
using Cage.Engine.Roots;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Update-Cage: puts into cages again what was put there and is another file on the host now, and what that needs since. What was changed in the cage stays.</summary>
[Cmdlet(VerbsData.Update, "Cage", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(CageInfo))]
public sealed class UpdateCageCommand : CageTargetCmdlet
{
    /// <summary>Replaces what was changed in the cage, too.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Writes the cages.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override void Act(CageInfo cage)
    {
        if (IsWhatIf)
        {
            foreach (CageFinding finding in Work($"Testing {cage.Name}", work => Engine.Test(cage.Record, work.Stop)).Where(finding => finding.Kind is FindingKind.Drifted or FindingKind.Gone)) ShouldProcess($"{cage.Name}: {finding.Path}", "copy again");
            return;
        }
        if (!ShouldProcess(Describe(cage))) return;
        Work($"Updating {cage.Name}", work => Engine.Update(cage.Record, Force, work.Warn, work.Show, work.Stop));
        WriteVerbose($"\"{cage.Name}\" has the host's files as they are now.");
        if (PassThru) WriteObject(Engine.Look(cage.Record));
    }
}
