using System.Management.Automation;
using Cage.Engine;
using Cage.Engine.Roots;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>New-CageShim: puts wrappers on the host that run commands in a cage, and links that lead to its files. Remove-CageShim and Remove-Cage take them away again. [003]</summary>
[Cmdlet(VerbsCommon.New, "CageShim", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(CageShim))]
public sealed class NewCageShimCommand : CageTargetCmdlet
{
    /// <summary>Commands in the cage, by name or path.</summary>
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    public string[] Command { get; set; } = [];

    /// <summary>Paths on the host that are to be links to the same paths in the cage.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] LinkPath { get; set; } = [];

    /// <summary>The folder that the wrappers are put into; /usr/local/bin by default.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string Folder { get; set; } = "/usr/local/bin";

    /// <summary>Lets them take the place of something else.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    private protected override void Act(CageInfo cage)
    {
        string folder = GetUnresolvedProviderPathFromPSPath(Folder);
        string[] links = [.. LinkPath.Select(GetUnresolvedProviderPathFromPSPath)];
        string[] paths = [.. Command.Select(command => Path.Combine(folder, Path.GetFileName(command))), .. links];
        if (paths.Length == 0) throw new CageException(CageError.CageArgumentInvalid, $"No way into \"{cage.Name}\" is named.", "-Command or -LinkPath says which.", cage.Name);
        if (!ShouldProcess(Describe(cage), $"make {string.Join(", ", paths)}")) return;
        WriteObject(Work($"Making ways into {cage.Name}", work => Engine.AddShims(cage.Record, Command, links, folder, Force, work.Warn, work.Stop)), enumerateCollection: true);
        WriteVerbose($"{string.Join(", ", paths)} lead into \"{cage.Name}\" now.");
    }
}
