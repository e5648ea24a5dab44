using System.Management.Automation;
using Cage.Engine.Roots;

namespace Cage.PowerShell.Commands;

/// <summary>Get-CagePack: the packs of files that commands open at run time; docs/packs.md says how to add one.</summary>
[Cmdlet(VerbsCommon.Get, "CagePack")]
[OutputType(typeof(Pack))]
public sealed class GetCagePackCommand : CageCmdlet
{
    /// <summary>Names, with wildcards; all by default.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(PackCompleter))]
    public string[] Name { get; set; } = ["*"];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (string name in Name)
            Try(name, () =>
            {
                PackCatalog packs = Engine.Packs;
                if (!WildcardPattern.ContainsWildcardCharacters(name)) WriteObject(packs.Get(name));
                else WriteObject(packs.All.Where(pack => new WildcardPattern(name).IsMatch(pack.Name)), enumerateCollection: true);
            });
    }
}
