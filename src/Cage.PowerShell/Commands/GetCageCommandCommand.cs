using System.Management.Automation;
using Cage.Engine.Roots;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Get-CageCommand: what Cage was asked to put into cages: commands, files and packs.</summary>
[Cmdlet(VerbsCommon.Get, "CageCommand", DefaultParameterSetName = NameSet)]
[OutputType(typeof(CageContent))]
public sealed class GetCageCommandCommand : CageQueryCmdlet
{
    /// <summary>Only those of these names, with wildcards.</summary>
    [Parameter]
    [SupportsWildcards]
    public string[] Command { get; set; } = ["*"];

    /// <summary>Only commands, files or packs.</summary>
    [Parameter]
    public RootWishKind[]? Kind { get; set; }

    private protected override void Act(CageInfo cage)
    {
        WildcardPattern[] patterns = [.. Command.Select(pattern => new WildcardPattern(pattern))];
        foreach (CageContent content in Engine.GetContents(cage.Record))
            if (Kind?.Contains(content.Kind) != false && patterns.Any(pattern => pattern.IsMatch(content.Command) || pattern.IsMatch(content.Path))) WriteObject(content);
    }
}
