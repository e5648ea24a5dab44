using System.Management.Automation;
using Cage.Engine.Roots;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Remove-CageShim: takes wrappers and links on the host away that lead into cages. What somebody has put in their place stays.</summary>
[Cmdlet(VerbsCommon.Remove, "CageShim", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class RemoveCageShimCommand : CageTargetCmdlet
{
    /// <summary>Their names or paths, with wildcards; all by default.</summary>
    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true)]
    [Alias("Path")]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    public string[] Command { get; set; } = ["*"];

    private protected override void Act(CageInfo cage)
    {
        WildcardPattern[] patterns = [.. Command.Select(pattern => new WildcardPattern(pattern))];
        bool IsUnwanted(CageShim shim) => patterns.Any(pattern => pattern.IsMatch(shim.Path) || pattern.IsMatch(Path.GetFileName(shim.Path)));
        string[] paths = [.. Engine.GetShims(cage.Record).Where(IsUnwanted).Select(shim => shim.Path)];
        if (paths.Length == 0 || !ShouldProcess(Describe(cage), $"remove {string.Join(", ", paths)}")) return;
        Work($"Removing ways into {cage.Name}", work => Engine.RemoveShims(cage.Record, IsUnwanted, work.Stop));
        WriteVerbose($"{string.Join(", ", paths)} are removed: they led into \"{cage.Name}\".");
    }
}
