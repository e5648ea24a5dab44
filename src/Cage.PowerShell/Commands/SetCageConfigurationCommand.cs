using System.Management.Automation;
using Cage.Engine.Store;

namespace Cage.PowerShell.Commands;

/// <summary>Set-CageConfiguration: changes where cages and the tool's own files are looked for. Nothing is moved.</summary>
[Cmdlet(VerbsCommon.Set, "CageConfiguration", SupportsShouldProcess = true)]
[OutputType(typeof(StoreSettings))]
public sealed class SetCageConfigurationCommand : CageCmdlet
{
    /// <summary>The folder of cages.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string Data { get; set; } = "";

    /// <summary>The folder of notes about running cages, on a file system that a boot empties.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string Run { get; set; } = "";

    /// <summary>The folder of snapshots.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string Snapshots { get; set; } = "";

    /// <summary>The folder of the tool's own files.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string Tool { get; set; } = "";

    /// <summary>Writes the configuration as it is then.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(Engine.Store.Settings.File, () =>
    {
        if (!ShouldProcess(Engine.Store.Settings.File ?? StoreSettings.DefaultFile)) return;
        StoreSettings changed = Engine.Configure(before => before with
        {
            Data = Folder(nameof(Data), Data, before.Data),
            Run = Folder(nameof(Run), Run, before.Run),
            Snapshots = Folder(nameof(Snapshots), Snapshots, before.Snapshots),
            Tool = Folder(nameof(Tool), Tool, before.Tool),
        });
        WriteVerbose($"{changed.File ?? StoreSettings.DefaultFile} is written.");
        if (PassThru) WriteObject(changed);
    });

    private string Folder(string parameter, string given, string before) => IsGiven(parameter) ? GetUnresolvedProviderPathFromPSPath(given) : before;
}
