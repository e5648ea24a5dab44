using System.Management.Automation;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Resume-Cage: lets suspended cages go on where they stood. One that runs is fine.</summary>
[Cmdlet(VerbsLifecycle.Resume, "Cage", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(CageInfo))]
public sealed class ResumeCageCommand : CageTargetCmdlet
{
    /// <summary>Writes the cages that go on.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override void Act(CageInfo cage)
    {
        if (!ShouldProcess(Describe(cage))) return;
        CageInfo resumed = Work($"Resuming {cage.Name}", work => Engine.Resume(cage.Record, work.Stop));
        WriteVerbose($"\"{cage.Name}\" goes on.");
        if (PassThru) WriteObject(resumed);
    }
}
