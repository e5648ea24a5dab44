using System.Management.Automation;
using Cage.Engine.Roots;

namespace Cage.PowerShell.Commands;

/// <content>What of the host's is put into the cage.</content>
public sealed partial class NewCageCommand
{
    /// <summary>Commands of the host's that are to be in it, with all that they need.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(HostCommandCompleter))]
    public string[] Command { get; set; } = [];

    /// <summary>Files and folders of the host's that are to be in it.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] File { get; set; } = [];

    /// <summary>Packs that are to be in it, besides those that the commands choose.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(PackCompleter))]
    public string[] Pack { get; set; } = [];

    /// <summary>Leaves out the packs that the commands choose.</summary>
    [Parameter]
    public SwitchParameter NoPack { get; set; }

    /// <summary>Keeps setuid and setgid bits of what is put in.</summary>
    [Parameter]
    public SwitchParameter KeepSetuid { get; set; }

    private RootRequest Contents() => new()
    {
        Commands = [.. Command.Select(command => command.Contains('/') ? GetUnresolvedProviderPathFromPSPath(command) : command)],
        Files = [.. File.Select(GetUnresolvedProviderPathFromPSPath)],
        Packs = Pack,
        ChoosesPacks = !NoPack,
        KeepsSetuid = KeepSetuid,
    };
}
