using System.Management.Automation;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Cage.Engine;
using Cage.Engine.Runtime;
using Cage.Engine.State;
using Cage.Interop;

namespace Cage.PowerShell.Commands;

/// <summary>Enter-Cage: the login shell of a user of a running cage, on a terminal of the cage's own. Its exit status is in $LASTEXITCODE.</summary>
[Cmdlet(VerbsCommon.Enter, "Cage", DefaultParameterSetName = NameSet)]
[OutputType(typeof(void))]
[SupportedOSPlatform("linux")]
public sealed class EnterCageCommand : CageInsideCmdlet
{
    private readonly List<CageInfo> _cages = [];

    /// <summary>The group, name or number, in place of the user's own and with no others.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Group { get; set; }

    private protected override void Act(CageInfo cage) => _cages.Add(cage);

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        if (_cages.Count == 0) return;
        TryWithStatus(_cages[0], () =>
        {
            if (_cages.Count > 1)
                throw new CageException(
                    CageError.CageAmbiguous, $"{_cages.Count} cages fit: {string.Join(", ", _cages.Select(Describe))}.", "One at a time can be entered.");
            if (!TerminalRelay.IsPossible)
                throw new CageException(
                    CageError.CageArgumentInvalid, "Standard input and output are no terminal (ENOTTY).", "Use Invoke-Cage to run a command without one.");
            ReportStatus(Enter(_cages[0]));
        });
    }

    private int Enter(CageInfo cage)
    {
        (Descriptor changes, Descriptor change) = Channels.Pipe();
        using (changes)
        using (change)
        using (PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => Files.Write(change, [Processes.SIGWINCH, 0])))
        {
            (Descriptor leader, Descriptor peer) = Engine.OpenTerminal(cage);
            using (leader)
            {
                using SpawnedProcess shell = Start(cage, leader, peer);
                TerminalRelay.Run(leader, shell.Handle, changes);
                return Processes.Wait(shell.Id).ExitStatus;
            }
        }
    }

    private SpawnedProcess Start(CageInfo cage, Descriptor leader, Descriptor peer)
    {
        using (peer)
        {
            TerminalRelay.CopySize(leader);
            return Engine.Run(cage, this.InsideCommand() with { Arguments = [Engine.ShellOf(cage, User)], Group = Group, Descriptors = [peer, peer, peer], OwnTerminal = true, Cancellation = Stop });
        }
    }
}
