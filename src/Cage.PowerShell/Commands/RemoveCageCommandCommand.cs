using System.Management.Automation;
using Cage.Engine;
using Cage.Engine.Roots;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Remove-CageCommand: takes commands, files or packs out of cages, and all that nothing else in there needs. What was changed in the cage stays.</summary>
[Cmdlet(VerbsCommon.Remove, "CageCommand", DefaultParameterSetName = NameSet, SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(void))]
public sealed class RemoveCageCommandCommand : CageTargetCmdlet
{
    /// <summary>Their names or paths, with wildcards, as Get-CageCommand tells them.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [Alias("Path")]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    public string[] Command { get; set; } = [];

    /// <summary>Removes what was changed in the cage, too.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    private protected override void Act(CageInfo cage)
    {
        IReadOnlyList<CageContent> contents = Engine.GetContents(cage.Record);
        List<CageContent> unwanted = [];
        foreach (string name in Command)
        {
            WildcardPattern pattern = new(name);
            CageContent[] found = [.. contents.Where(content => pattern.IsMatch(content.Command) || pattern.IsMatch(content.Path))];
            if (found.Length == 0 && !WildcardPattern.ContainsWildcardCharacters(name))
                throw new CageException(CageError.CageCommandNotFound, $"There is no {name} that was added to \"{cage.Name}\".", $"Get-CageCommand {cage.Name} lists them.", name);
            unwanted.AddRange(found);
        }
        if (unwanted.Count == 0 || !ShouldProcess(Describe(cage), $"remove {string.Join(", ", unwanted.Select(content => content.Command))}")) return;
        Work($"Removing from {cage.Name}", work => Engine.RemoveContents(cage.Record, unwanted, Force, work.Warn, work.Stop));
        WriteVerbose($"{string.Join(", ", unwanted.Select(content => content.Command))} and what only they needed are gone from \"{cage.Name}\".");
    }
}
