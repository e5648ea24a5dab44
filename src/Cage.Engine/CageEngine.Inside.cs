using Cage.Engine.Runtime;
using Cage.Engine.State;
using Cage.Interop;

namespace Cage.Engine;

public sealed partial class CageEngine
{
    /// <summary>Starts a command in a running cage and returns at once.</summary>
    /// <exception cref="CageException">CageNotRunning, CageCommandNotFound, CageCommandFailed, CageArgumentInvalid.</exception>
    public SpawnedProcess Run(CageInfo cage, CageCommand command)
    {
        ArgumentNullException.ThrowIfNull(cage);
        ArgumentNullException.ThrowIfNull(command);
        return CommandStarter.Start(cage, command);
    }

    /// <summary>A new pseudo terminal of a running cage's own devpts, so that its name is true inside.</summary>
    public (Descriptor Leader, Descriptor Peer) OpenTerminal(CageInfo cage)
    {
        ArgumentNullException.ThrowIfNull(cage);
        using Descriptor root = CommandStarter.OpenRoot(cage);
        using Descriptor devpts = Files.TryOpenInRoot(root, "dev/pts", Files.O_PATH | Files.O_DIRECTORY) ??
            throw new CageException(CageError.CageCommandFailed, $"\"{cage.Name}\" has no /dev/pts (ENOENT), so no terminal can be made in it.", target: cage.Name);
        (Descriptor leader, Descriptor peer, _) = Terminal.OpenPair(devpts);
        return (leader, peer);
    }

    /// <summary>The names of the users that a running cage's passwd lists.</summary>
    /// <exception cref="CageException">CageNotRunning; CageRequiresRoot.</exception>
    public IReadOnlyList<string> UsersOf(CageInfo cage)
    {
        ArgumentNullException.ThrowIfNull(cage);
        using Descriptor root = CommandStarter.OpenRoot(cage);
        return Account.Names(root);
    }

    /// <summary>The login shell that the cage's passwd gives a user, to be entered.</summary>
    public string ShellOf(CageInfo cage, string? user)
    {
        ArgumentNullException.ThrowIfNull(cage);
        using Descriptor root = CommandStarter.OpenRoot(cage);
        return Account.Find(root, user).Shell;
    }
}
