using System.Management.Automation;
using Cage.Engine.Store;

namespace Cage.PowerShell.Commands;

/// <summary>Get-CageConfiguration: where cages and the tool's own files are, and which file says so.</summary>
[Cmdlet(VerbsCommon.Get, "CageConfiguration")]
[OutputType(typeof(StoreSettings))]
public sealed class GetCageConfigurationCommand : CageCmdlet
{
    /// <inheritdoc/>
    protected override void ProcessRecord() => WriteObject(Engine.Store.Settings);
}
