using Cage.Engine.Privileges;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Runtime;

/// <summary>A command to run in a running cage. It leads a session and a process group of its own, which can be signalled by its number.</summary>
public sealed record CageCommand
{
    /// <summary>The command and its arguments.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>The user in the cage: <c>name</c>, <c>uid</c>, <c>name:group</c>, <c>uid:gid</c>; null for root.</summary>
    public string? User { get; init; }

    /// <summary>The group in the cage, name or number, in place of the user's own and with no others; null for the user's.</summary>
    public string? Group { get; init; }

    /// <summary>The working directory in the cage; null for the user's home, or <c>/</c> when that is not there.</summary>
    public string? Directory { get; init; }

    /// <summary>Variables besides the cage's own, NAME=value each.</summary>
    public IReadOnlyList<string> Environment { get; init; } = [];

    /// <summary>The descriptors 0, 1, 2 and further ones that it gets.</summary>
    public required IReadOnlyList<Descriptor> Descriptors { get; init; }

    /// <summary>Whether descriptor 0 is a terminal of its own, which its session then controls.</summary>
    public bool OwnTerminal { get; init; }

    /// <summary>Ends it while it is being started, which somebody in the cage may hold up for ever.</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>The signal that it gets when the calling thread ends; 0 for none.</summary>
    public int DeathSignal { get; init; }
}

/// <summary>Starts commands in running cages: joins the namespaces, or enters the root, that the cage has, in its control group.</summary>
internal static class CommandStarter
{
    /// <summary>tty, on every distribution.</summary>
    internal const uint TerminalGroup = 5;

    private const ulong JailNamespaces = Spawn.CLONE_NEWNS | Spawn.CLONE_NEWPID | Spawn.CLONE_NEWIPC | Spawn.CLONE_NEWUTS | Spawn.CLONE_NEWCGROUP;

    /// <summary>What a command in it will need and what does not depend on its files, while those are still being mounted.</summary>
    public static void Prepare(CageRecord record)
    {
        Spawn.Prepare();
        if (record.Isolation == CageIsolation.Jail) Confinements.OfCommand(record.Privileges);
    }

    /// <exception cref="CageException">CageNotRunning; CageCommandNotFound; CageCommandFailed with the errno's name.</exception>
    public static SpawnedProcess Start(CageInfo cage, CageCommand command)
    {
        CageRecord record = cage.Record;
        using Descriptor? init = cage.OpenInit();
        if (init is null && cage.ProcessId is not null) throw NotRunning(cage);
        using Descriptor root = OpenRoot(cage);
        Account account = Account.Find(root, command.User, command.Group);
        IReadOnlyList<string> environment = InsideEnvironment.Build(account, record, command.Environment);
        using Descriptor? group = ControlGroup.Of(record.Id)?.TryOpen();
        using TaskFiles tasks = TaskFiles.Of(record);
        using Descriptor? users = record.Privileges.UserNamespace is IdRange range ? EnterUsers(cage, range, account, command) : null;
        try
        {
            return Spawn.Start(new SpawnRequest
            {
                Candidates = InsideEnvironment.Candidates(command.Arguments[0], environment),
                Arguments = command.Arguments,
                Environment = environment,
                Descriptors = command.Descriptors,
                WorkingDirectory = command.Directory ?? DefaultDirectory(root, account.Home),
                JoinProcess = init,
                Join = record.Isolation == CageIsolation.Jail ? JailNamespaces | (record.Network.Mode == NetworkMode.Host ? 0 : Spawn.CLONE_NEWNET) : Spawn.CLONE_NEWNS,
                ControlGroup = group,
                TaskFiles = tasks.Open,
                Root = init is null ? root : null,
                Users = users,
                Identity = account.Identity,
                Confinement = record.Isolation == CageIsolation.Jail ? Confinements.OfCommand(record.Privileges) : null,
                Afresh = record.Isolation == CageIsolation.Jail,
                // In the caller's process group it could signal all of that, the host's processes (kill(2), pid 0).
                NewSession = true,
                ControllingTerminal = command.OwnTerminal,
                DeathSignal = command.DeathSignal,
                Cancellation = command.Cancellation,
            });
        }
        catch (SpawnException e)
        {
            throw Explain(cage, command, e);
        }
    }

    /// <summary>The cage's root.</summary>
    public static Descriptor OpenRoot(CageInfo cage)
    {
        try
        {
            // A read-only cage has a root too, but that is a layer, or the host's own files, and not to be run in.
            Descriptor root = Files.Open(cage.State == CageState.Running && cage.RootPath is string path ? path : throw NotRunning(cage), Files.O_PATH | Files.O_DIRECTORY);
            if (cage.ProcessId is null || !IsOurs(root)) return root;
            root.Dispose();
            throw new CageException(CageError.CageNotRunning, $"\"{cage.Name}\" is being started: its init has not entered its root yet.", "Try again in a moment.", cage.Name);
        }
        catch (LinuxException e) when (e.Number is Errno.ENOENT or Errno.ESRCH)
        {
            throw NotRunning(cage);
        }
        catch (LinuxException e) when (e.Number is Errno.EACCES or Errno.EPERM)
        {
            throw Forbidden(cage, e, RootRights.Advice());
        }
    }

    /// <summary>An init that has not pivoted yet has the host's root: a command must never be run there.</summary>
    private static bool IsOurs(Descriptor root) => Files.StatusFollowed("/") is FileStatus ours && ours.IsSameFile(Files.Status(root));

    public static CageException NotRunning(CageInfo cage) =>
        EphemeralId.Is(cage.Id) ? Over(cage)
        : cage.State == CageState.Suspended
            ? new(CageError.CageNotRunning, $"\"{cage.Name}\" is suspended.", $"Let it go on first: {Face.Call("cage resume", "Resume-Cage")} {cage.Name}.", cage.Name)
            : new(CageError.CageNotRunning, $"\"{cage.Name}\" does not run.", $"Start it first: {Face.Call("cage start", "Start-Cage")} {cage.Name}.", cage.Name);

    /// <summary>One that is not kept cannot be started again.</summary>
    private static CageException Over(CageInfo cage)
    {
        using Descriptor? init = cage.OpenInit();
        return new(CageError.CageNotRunning, $"\"{cage.Name}\" is over: its init has ended{(init is null ? "" : $", {InitEnd.Describe(cage.ProcessId!.Value, init)}")}.", target: cage.Name);
    }

    /// <summary>Opens the cage's user namespace, which its init holds. What the command is given to speak by, and nobody else has a name for, becomes its own: to open it again
    /// (/dev/stdout) it must be.</summary>
    private static Descriptor EnterUsers(CageInfo cage, IdRange range, Account account, CageCommand command)
    {
        Identity identity = account.Identity;
        if (identity.Groups.Append(identity.Gid).Append(identity.Uid).FirstOrDefault(id => !range.Has(id)) is uint id and > 0)
            throw new CageException(
                CageError.CageArgumentInvalid, $"{account.Name} has the id {id} in \"{cage.Name}\", whose user namespace ends at {range.Count - 1}.",
                $"Give it more ids: {Face.Call($"cage set {cage.Name} --userns=FIRST:COUNT", $"Set-Cage {cage.Name} -UserNamespace FIRST:COUNT")}.", account.Name);
        foreach (Descriptor file in command.Descriptors)
        {
            if (command.OwnTerminal) Files.ChangeOwner(file, range.First + identity.Uid, range.First + TerminalGroup);
            else if (Files.FileSystemType(file) == Files.PIPEFS_MAGIC) Files.ChangeOwner(file, range.First + identity.Uid, range.First + identity.Gid);
        }
        return Files.TryOpen($"/proc/{cage.ProcessId}/fd/{CageInit.UsersNumber}", Files.O_RDONLY) ?? throw NotRunning(cage);
    }

    private static string DefaultDirectory(Descriptor root, string home)
    {
        using Descriptor? folder = Files.TryOpenInRoot(root, home, Files.O_PATH | Files.O_DIRECTORY);
        return folder is null ? "/" : home;
    }

    /// <summary>Whether it was stopped meanwhile: then its namespaces answer ESRCH (already while its init is ending) or ENOMEM, and its groups ENODEV.</summary>
    private static bool HasEnded(CageInfo cage)
    {
        if (cage.ProcessId is null) return false;
        using Descriptor? init = cage.OpenInit();
        return init is null || Channels.WaitReadable(init, 0);
    }

    private static CageException Forbidden(CageInfo cage, Exception cause, string? advice) => new(
        CageError.CageRequiresRoot, $"{(Interop.Host.EffectiveUser == 0 ? $"\"{cage.Name}\" cannot be entered" : "Only root may enter a cage")}: {cause.Message}.", advice, cage.Name, cause);

    private static CageException Explain(CageInfo cage, CageCommand command, SpawnException e)
    {
        string name = command.Arguments[0];
        if (e.Stage != SpawnStage.Execute && (e is { Stage: SpawnStage.Join, Number: Errno.ESRCH } || HasEnded(cage))) return NotRunning(cage);
        return (e.Stage, e.Number) switch
        {
            (SpawnStage.Execute, Errno.ENOENT or Errno.ENOTDIR) => new CageException(
                CageError.CageCommandNotFound, $"{name}: not found in \"{cage.Name}\" (ENOENT).", "The command, or the interpreter or loader that it names, is not there.", name, e),
            (SpawnStage.Execute, _) => new CageException(CageError.CageCommandFailed, $"{name} cannot be run in \"{cage.Name}\": {e.Message}.", target: name, inner: e),
            (SpawnStage.Users, Errno.EINVAL) => new CageException(
                CageError.CageStartFailed, $"{name} was not started: the init of \"{cage.Name}\" holds no user namespace (EINVAL).", "Its cage.conf was changed while it ran: stop and start it.", cage.Name, e),
            (SpawnStage.Directory, _) => new CageException(
                CageError.CageArgumentInvalid, $"The working directory {command.Directory} cannot be entered in \"{cage.Name}\": {e.Message}.", target: command.Directory, inner: e),
            (_, Errno.EPERM or Errno.EACCES) when RootRights.Advice() is string advice => Forbidden(cage, e, advice),
            _ => new CageException(CageError.CageStartFailed, $"{name} was not started in \"{cage.Name}\": {e.Message}.", target: cage.Name, inner: e),
        };
    }
}
