using Cage.Engine.Runtime;
using Cage.Engine.Services;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine;

public sealed partial class CageEngine
{
    private static readonly TimeSpan _hopeless = TimeSpan.FromSeconds(10);

    /// <summary>Starts a service in a running cage: it is up when this returns, and goes on when the caller ends. A stop of the cage ends it.</summary>
    /// <exception cref="CageException">CageNotRunning; CageAlreadyRunning; CageArgumentInvalid: its name; what a command's start throws; CageStartFailed: it
    /// did not come up. Nothing of it runs then.</exception>
    public CageService StartService(CageInfo cage, ServiceSpec service, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(cage);
        ArgumentNullException.ThrowIfNull(service);
        StartCheck.RequireRoot("starting a service");
        if (ServiceSpec.NameProblem(service.Name) is string problem)
            throw new CageException(CageError.CageArgumentInvalid, $"\"{service.Name}\" cannot be a service's name: {problem}.", target: service.Name);
        (Descriptor ours, Descriptor theirs) = Channels.SocketPair();
        using ServiceChannel channel = new(ours);
        SpawnedProcess supervisor;
        using (theirs) supervisor = Order(cage, service, channel, theirs, cancellation);
        using (supervisor)
        {
            try
            {
                // The cage's lock is not held any more: what comes up may take its time, or be held up from inside, and a stop ends it.
                channel.ReceiveOutcome(cage.Record, cancellation);
            }
            catch
            {
                Processes.Signal(supervisor.Handle, Processes.SIGTERM);
                throw;
            }
        }
        return CageService.Look(cage.Record, service.Name);
    }

    /// <summary>The services of a cage, running or not, by name.</summary>
    public static IReadOnlyList<CageService> GetServices(CageInfo cage)
    {
        ArgumentNullException.ThrowIfNull(cage);
        return CageService.Of(cage.Record);
    }

    /// <summary>Ends a service: TERM to its main process, and KILL, to that and its supervisor, after <paramref name="patience"/>. One that does not run is fine.</summary>
    /// <returns>The service as it is then.</returns>
    /// <exception cref="CageException">CageStopTimeout: it did not even end on KILL.</exception>
    public static CageService StopService(CageInfo cage, CageService service, TimeSpan patience, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(cage);
        ArgumentNullException.ThrowIfNull(service);
        StartCheck.RequireRoot("stopping a service");
        if (CageService.Look(cage.Record, service.Name).SupervisorId is int pid && Processes.TryOpen(pid) is Descriptor supervisor)
        {
            using (supervisor)
            {
                // The number may have been used again between the look and the pidfd: then another has the lock, or nobody.
                if (CageService.Look(cage.Record, service.Name).SupervisorId == pid) End(cage, service, supervisor, patience, cancellation);
            }
        }
        return CageService.Look(cage.Record, service.Name);
    }

    /// <summary>Has the host's systemd start a cage when it boots, and stop it when it goes down.</summary>
    /// <param name="record">The cage.</param>
    /// <param name="command">The path of the cage program.</param>
    /// <param name="cancellation">Ends it; all is as it was.</param>
    /// <returns>The unit's path.</returns>
    /// <exception cref="CageException">CageHostUnsupported: systemd does not run here; CageStartFailed: it is read-only; what systemctl said.</exception>
    public string Register(CageRecord record, string command, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        StartCheck.RequireRoot("registering a cage");
        StartCheck.RefuseReadOnly(record);
        return BootUnit.Register(record, command, Settings.File == StoreSettings.DefaultFile ? null : Settings.File, cancellation);
    }

    /// <summary>Takes that back. Whether there was something to take back; the cage goes on.</summary>
    /// <exception cref="CageException">CageHostUnsupported; what systemctl said.</exception>
    public static bool Unregister(CageRecord record, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        StartCheck.RequireRoot("unregistering a cage");
        return BootUnit.Unregister(record, cancellation);
    }

    /// <summary>A supervisor ends after what it holds. Its main process is asked for only when both are to be killed: it may have been started again.</summary>
    private static void End(CageInfo cage, CageService service, Descriptor supervisor, TimeSpan patience, CancellationToken cancellation)
    {
        Processes.Signal(supervisor, Processes.SIGTERM);
        if (ProcessWait.For(supervisor, patience, cancellation)) return;
        using Descriptor? main = CageService.Look(cage.Record, service.Name).ProcessId is int number ? Processes.TryOpen(number) : null;
        foreach (Descriptor process in new[] { main, supervisor }.OfType<Descriptor>())
        {
            Processes.Signal(process, Processes.SIGKILL);
            if (!ProcessWait.For(process, _hopeless, cancellation))
                throw new CageException(
                    CageError.CageStopTimeout, $"The service \"{service.Name}\" of \"{cage.Name}\" does not end even on SIGKILL.", "It hangs in the kernel (state D in ps).", service.Name);
        }
    }

    /// <summary>Starts a supervisor in the cage as it is now, and tells it what to run.</summary>
    private SpawnedProcess Order(CageInfo cage, ServiceSpec service, ServiceChannel channel, Descriptor theirs, CancellationToken cancellation)
    {
        using CageLock held = CageLock.Take(cage.Path, cancellation);
        cage = Look(CageStore.Refresh(cage.Record));
        if (cage.State != CageState.Running) throw CommandStarter.NotRunning(cage);
        if (CageService.Look(cage.Record, service.Name).State == CageState.Running)
            throw new CageException(
                CageError.CageAlreadyRunning, $"The service \"{service.Name}\" of \"{cage.Name}\" runs already.", "Stop it first, or choose another name.", service.Name);
        SpawnedProcess supervisor = StartSupervisor(cage, service, theirs);
        try
        {
            channel.SendOrder(Settings, cage.Record, service);
        }
        catch
        {
            supervisor.Dispose();
            throw;
        }
        return supervisor;
    }

    private SpawnedProcess StartSupervisor(CageInfo cage, ServiceSpec service, Descriptor order)
    {
        using Descriptor nothing = Files.Open("/dev/null", Files.O_RDWR);
        using Descriptor? group = ControlGroup.Of(cage.Id)?.TryOpen();
        return Spawn.Start(new SpawnRequest
        {
            Executable = _stage.Open(),
            Arguments = ["cage", "supervise", cage.Name, service.Name],
            Environment = [],
            Descriptors = [nothing, nothing, nothing, order],
            WorkingDirectory = "/",
            ControlGroup = group,
            NewSession = true,
            Orphan = true,
        });
    }
}
