using System.Management.Automation;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Clear-Cage: takes out of cages what was put there for the making only (Add-CageCommand -Temporary).</summary>
[Cmdlet(VerbsCommon.Clear, "Cage", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(CageInfo))]
public sealed class ClearCageCommand : CageTargetCmdlet
{
    /// <summary>Writes the cages.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override void Act(CageInfo cage)
    {
        string[] names = [.. Engine.GetContents(cage.Record).Where(content => content.IsTemporary).Select(content => content.Command)];
        if (names.Length > 0 && ShouldProcess(Describe(cage), $"take out {string.Join(", ", names)}"))
        {
            Work($"Clearing {cage.Name}", work => Engine.ClearTemporary(cage.Record, work.Warn, work.Stop));
            WriteVerbose($"{string.Join(", ", names)} and what only they needed are gone from \"{cage.Name}\".");
        }
        if (PassThru) WriteObject(Engine.Look(cage.Record));
    }
}
