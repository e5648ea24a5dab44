using System.Management.Automation;
using Cage.Engine;
using Cage.Engine.Roots;

namespace Cage.PowerShell.Commands;

/// <summary>Add-CageCommand: puts commands of the host's into cages with all that they need. One that runs has them at once. -WhatIf shows each file.</summary>
[Cmdlet(VerbsCommon.Add, "CageCommand", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(CageContent))]
public sealed class AddCageCommandCommand : CageAddCmdlet
{
    /// <summary>Commands, as they are called, or paths of programs or scripts.</summary>
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(HostCommandCompleter))]
    public string[] Command { get; set; } = [];

    private protected override IEnumerable<string> Wanted => Command.Select(command => command.Contains('/') ? GetUnresolvedProviderPathFromPSPath(command) : command);

    private protected override RootRequest Request(IReadOnlyList<string> wanted) => wanted.Count + Pack.Length > 0
        ? new RootRequest { Commands = wanted, Packs = Pack }
        : throw new CageException(CageError.CageArgumentInvalid, "Nothing is named that is to be added.", "-Command or -Pack says what.");
}
