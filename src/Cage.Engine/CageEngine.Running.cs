using Cage.Engine.Layers;
using Cage.Engine.Network;
using Cage.Engine.Plans;
using Cage.Engine.Runtime;
using Cage.Engine.Snapshots;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine;

public sealed partial class CageEngine
{
    /// <summary>Starts a cage: all of its plan, or nothing of it.</summary>
    /// <exception cref="CageException">CageAlreadyRunning, CageRequiresRoot, CageMountFailed, CageStartFailed…; the host is as it was.</exception>
    /// <param name="record">The cage.</param>
    /// <param name="options">How.</param>
    /// <param name="warn">Is told what the user should know though the start went on.</param>
    /// <param name="progress">Is told of each step that begins; of those inside, which go to the init together, when they are sent.</param>
    /// <param name="cancellation">Ends it; what was done is undone.</param>
    public CageInfo Start(CageRecord record, StartOptions? options = null, Action<string>? warn = null, Action<Step>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        StartCheck.RequireRoot("starting a cage");
        using CageLock held = CageLock.Take(record.Path, cancellation);
        record = CageStore.Refresh(record);
        if (Settled(record, cancellation).State != CageState.Stopped)
            throw new CageException(CageError.CageAlreadyRunning, $"\"{record.Name}\" runs already.", target: record.Name);
        StartCheck.RefuseLeft(record);
        bool readOnly = options?.ReadOnly ?? false;
        StartCheck.Refuse(record);
        NetworkCheck.Refuse(Store, record);
        using HostContext host = new(Settings, record, _stage);
        Execute(record.Name, StartPlanner.ForStored(Settings, record, () => FindLayers(host, readOnly, warn), readOnly, NetworkCheck.Allowed(Store, record), host.Announce), host, progress, cancellation);
        return Look(record);
    }

    /// <summary>Stops a cage, or clears what a start that was killed has left; one that is stopped is fine.</summary>
    /// <param name="record">The cage.</param>
    /// <param name="options">How.</param>
    /// <param name="warn">Is told what the user should know though the stop went on: a script that failed, a mount detached lazily.</param>
    /// <param name="progress">Is told of each step that begins.</param>
    /// <param name="cancellation">Ends the waiting; what was done stays done, and another stop goes on from there.</param>
    /// <returns>Whether there was anything to stop.</returns>
    public bool Stop(CageRecord record, StopOptions? options = null, Action<string>? warn = null, Action<Step>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        StartCheck.RequireRoot("stopping a cage");
        using CageLock held = CageLock.Take(record.Path, cancellation);
        return StopHeld(CageStore.Refresh(record), options, warn, progress, cancellation);
    }

    /// <summary>Stops all processes of a running cage where they stand; one that is suspended is fine.</summary>
    /// <exception cref="CageException">CageNotRunning; CageBusy: one does not come to rest, and all go on.</exception>
    public CageInfo Suspend(CageRecord record, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        StartCheck.RequireRoot("suspending a cage");
        using CageLock held = CageLock.Take(record.Path, cancellation);
        CageInfo cage = Look(CageStore.Refresh(record));
        if (cage.State == CageState.Stopped) throw CommandStarter.NotRunning(cage);
        Freezer.Freeze(cage, cancellation);
        return Look(cage.Record);
    }

    /// <summary>Lets a suspended cage go on; one that runs is fine.</summary>
    /// <exception cref="CageException">CageNotRunning.</exception>
    public CageInfo Resume(CageRecord record, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        StartCheck.RequireRoot("resuming a cage");
        using CageLock held = CageLock.Take(record.Path, cancellation);
        CageInfo cage = Look(CageStore.Refresh(record));
        if (cage.State == CageState.Stopped) throw CommandStarter.NotRunning(cage);
        Freezer.Thaw(cage.Id);
        return Look(cage.Record);
    }

    /// <summary>Starts a cage that is not kept. It ends with the calling thread, or when the result is disposed.</summary>
    /// <param name="bases">Names or ids of the cages below it, the topmost first; none means the host's (the nil UUID).</param>
    /// <param name="isolation">Pivot or Jail.</param>
    /// <param name="shape">Gives it further settings: limits, binds…</param>
    /// <param name="takeEarly">Takes a Jail's init that was started beforehand, where there is one.</param>
    /// <exception cref="CageException">As <see cref="Start"/>.</exception>
    public EphemeralCage StartEphemeral(IReadOnlyList<string> bases, CageIsolation isolation, Func<CageRecord, CageRecord>? shape = null, Func<HeadStart?>? takeEarly = null)
    {
        ArgumentNullException.ThrowIfNull(bases);
        StartCheck.RequireRoot("running a cage");
        if (isolation == CageIsolation.Chroot)
            throw new CageException(CageError.CageArgumentInvalid, "A cage that is not kept cannot be a chroot, whose mounts the host would have to keep.", "Use pivot or jail.");
        RunFolder.Ensure(Settings);
        CageRecord record = new() { Path = Settings.Run, Id = EphemeralId.New(), Kind = CageKind.Writable, Name = "run", Isolation = isolation };
        if (shape is not null) record = shape(record);
        record = record with { Privileges = record.Privileges.Checked() };
        CageMaker.RefuseSettings(record.Name, isolation, record.Device, record.Devices, record.Privileges);
        CageMaker.RefuseBinds(record.Name, record.Binds, record.Privileges);
        CageMaker.RefuseLimits(record.Limits);
        CageMaker.RefuseNetwork(record.Network, isolation);
        // The turn is held until the address can be seen in the host's routes, and the range of ids by the name of the control group.
        using Descriptor? turn = AddressPool.TakeTurn(Settings, record.Network, record.Privileges);
        if (turn is not null)
        {
            (Guid id, CagePrivileges privileges) = new IdPool(Store).AssignEphemeral(record.Privileges);
            record = record with { Id = id, Privileges = privileges, Network = new AddressPool(Settings).Assign(record.Network, id, Store.ReadAll()) };
            NetworkCheck.Refuse(Store, record);
        }
        if (record.Binds.Count > 0) record = record with { Binds = CageMaker.ResolveSources(record.Binds) };
        // One with limits would be outside of its groups, one with a network of its own in the host's.
        HeadStart? early = isolation == CageIsolation.Jail && record.Limits.IsEmpty && record.Network.Mode == NetworkMode.Host && record.Privileges.UserNamespace is null ? takeEarly?.Invoke() : null;
        if (early is not null) record = record with { Id = early.Id };
        HostContext host = new(Settings, record, _stage) { DeathSignal = Processes.SIGKILL, Early = early };
        CageInfo? info = null;
        host.Meanwhile = () =>
        {
            info = CageInfo.OfInit(record, host.Init!);
            CommandStarter.Prepare(record);
            EphemeralCage.Sweep(record);
        };
        try
        {
            Execute(record.Name, StartPlanner.ForEphemeral(Store, record, () => bases.Count == 0 ? [HostLayer()] : Array.ConvertAll([.. bases], FindBase), NetworkCheck.Allowed(Store, record), host.Announce), host, null, default);
            return new EphemeralCage(host, info!);
        }
        catch
        {
            host.Dispose();
            throw;
        }
    }

    private LayerChain FindLayers(HostContext host, bool readOnly, Action<string>? warn)
    {
        CageRecord record = host.Record;
        // Not before the init is started: on two processors a thread that works keeps it waiting.
        using LayerFinder finder = new(Store, record.Base);
        if (record.Base.Count > 0)
        {
            if (readOnly) UpperCheck.RefuseWritten(Store, record);
            else StartCheck.RefuseUpper(Store, record);
        }
        if (StartPlanner.GuessOverlay(Store, record, readOnly) is MountOverlay likely) host.Guess = OverlayGuess.TryMake(likely);
        LayerChain layers = LayerChain.Resolve(finder, Store, record.Base, record);
        if (!readOnly) HostDrift.Check(Store, record, layers.Records, warn);
        return layers;
    }

    private bool StopHeld(CageRecord record, StopOptions? options, Action<string>? warn, Action<Step>? progress, CancellationToken cancellation)
    {
        Plan plan = PlanStop(record, options);
        using StepContext context = new() { Cancellation = cancellation, Warn = warn ?? (_ => { }) };
        foreach (Step step in plan.Steps)
        {
            try
            {
                progress?.Invoke(step);
                step.Do(context);
            }
            catch (CageException e) when (step is RunStopScript)
            {
                // A script that fails must not keep the cage running.
                context.Warn(e.Message);
            }
            catch (LinuxException e) when (step is RunStopScript)
            {
                context.Warn($"The stop script of \"{record.Name}\" was not run: {e.Message}.");
            }
            catch (LinuxException e)
            {
                throw new StepException(step, e, 0).Explain(record.Name, "stopped");
            }
        }
        return plan.Steps.Count > 0;
    }

    private static void Execute(string cage, IEnumerable<Step> steps, HostContext host, Action<Step>? progress, CancellationToken cancellation)
    {
        using StepContext context = new() { Host = host, Progress = progress, Cancellation = cancellation };
        try
        {
            Executor.Run(steps, context);
        }
        catch (StepException e)
        {
            throw e.Explain(cage, "started");
        }
    }

    private Guid HostLayer() => Store.Get(CageRecord.Nil, CageKind.ReadOnly)?.Id ?? throw new CageException(
        CageError.CageNotFound, "There is no base: the host has no snapshot (the nil UUID) in the store.", $"Name one with {Face.Call("--base", "-Base")}; {Face.Call("cage new NAME --read-only --source DIR", "New-Cage NAME -ReadOnly -Source DIR")} makes one.");
}
