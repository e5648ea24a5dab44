using System.Management.Automation;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Publish-Cage: makes writable cages read-only, with the same ids, to be bases of others.</summary>
[Cmdlet(VerbsData.Publish, "Cage", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(CageInfo))]
public sealed class PublishCageCommand : CageTargetCmdlet
{
    /// <summary>Writes the published cages.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override void Act(CageInfo cage)
    {
        if (!ShouldProcess(Describe(cage))) return;
        CageInfo layer = Work($"Publishing {cage.Name}", work => Engine.Publish(cage.Record, work.Stop));
        WriteVerbose($"\"{layer.Name}\" is a layer now: {layer.Path}.");
        if (PassThru) WriteObject(layer);
    }
}
