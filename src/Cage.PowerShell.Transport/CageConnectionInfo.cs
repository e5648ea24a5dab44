using System.Management.Automation;
using System.Management.Automation.Internal;
using System.Management.Automation.Remoting.Client;
using System.Management.Automation.Runspaces;
using Cage.Engine;
using Cage.Engine.Runtime;
using Cage.Engine.State;

namespace Cage.PowerShell.Transport;

/// <summary>A running cage as a place for PowerShell's remoting: it begins the cage's own pwsh as Start-Job would (<c>pwsh -s</c>), and
/// talks with it over its standard input and output. No network, no credential: who may enter the cage may do this.</summary>
public sealed class CageConnectionInfo : RunspaceConnectionInfo
{
    private readonly CageEngine _engine;
    private readonly CageInfo _cage;
    private readonly CageCommand _command;

    /// <summary>Makes one; pwsh is begun when the runspace is opened.</summary>
    /// <param name="engine">Who begins it.</param>
    /// <param name="cage">The cage.</param>
    /// <param name="command">User, directory and environment; the arguments are ours to give.</param>
    /// <param name="end">Ends pwsh with all that it runs, when asking has not helped.</param>
    public CageConnectionInfo(CageEngine engine, CageInfo cage, CageCommand command, CancellationToken end = default)
    {
        ArgumentNullException.ThrowIfNull(cage);
        _engine = engine;
        _cage = cage;
        _command = command;
        End = end;
        ComputerName = cage.Name;
    }

    /// <summary>What PowerShell shows as PSComputerName: the cage's name by default.</summary>
    public override string ComputerName { get; set; }

    /// <summary>None is needed.</summary>
    public override PSCredential Credential { get; set; } = null!;

    /// <summary>None is needed.</summary>
    public override AuthenticationMechanism AuthenticationMechanism { get; set; }

    /// <summary>None is needed.</summary>
    public override string CertificateThumbprint { get; set; } = "";

    internal CancellationToken End { get; }

    /// <summary>Itself: nothing in it changes.</summary>
    public override RunspaceConnectionInfo Clone() => this;

    /// <inheritdoc/>
    public override BaseClientSessionTransportManager CreateClientSessionTransportManager(Guid instanceId, string sessionName, PSRemotingCryptoHelper cryptoHelper) =>
        new CageTransport(this, instanceId, cryptoHelper);

    /// <summary>Begins pwsh in the cage.</summary>
    /// <exception cref="CageException">CagePowerShellMissing; and as <see cref="CageEngine.Run"/>.</exception>
    internal CommandPump Begin(PumpSink output, PumpSink error, CancellationToken cancellation)
    {
        try
        {
            // Left alone it begins in the user's home, wherever it was started.
            string[] place = _command.Directory is null ? [] : ["-wd", Path.Combine("/", _command.Directory)];
            CageCommand server = _command with { Arguments = ["pwsh", "-NoLogo", "-NoProfile", "-s", .. place] };
            return new CommandPump(_engine, _cage, server, takesInput: true, output, error, cancellation);
        }
        catch (CageException e) when (e.Error == CageError.CageCommandNotFound)
        {
            throw new CageException(
                CageError.CagePowerShellMissing,
                $"There is no pwsh in \"{_cage.Name}\" (ENOENT), and a script block runs in a cage's own PowerShell.",
                "Install it in the cage (https://aka.ms/powershell), or give the cage a base that has it; a plain command needs none: Invoke-Cage NAME -- COMMAND.",
                _cage.Name,
                e);
        }
    }

    /// <summary>What is said when it was stopped before pwsh had begun.</summary>
    internal CageException Stopped() => new(CageError.CageCommandFailed, $"pwsh in \"{_cage.Name}\" was stopped before it had begun.", target: _cage.Name);

    /// <summary>What is said when pwsh has ended by itself.</summary>
    internal CageException Ended(int status, string said) => new(
        CageError.CageCommandFailed, $"pwsh in \"{_cage.Name}\" has ended (exit status {status}){(said.Length == 0 ? "" : $": {said}")}.", target: _cage.Name);
}
