using Cage.Engine.Exposure;
using Cage.Engine.Layers;
using Cage.Engine.Network;
using Cage.Engine.Plans;
using Cage.Engine.Roots;
using Cage.Engine.Runtime;
using Cage.Engine.Snapshots;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine;

/// <summary>All that Cage does, for whoever asks: the command and the cmdlets call this and nothing else.</summary>
public sealed partial class CageEngine
{
    private readonly StageBinary _stage;

    /// <summary>Works on the store that <paramref name="settings"/> name.</summary>
    /// <param name="settings">Where things are.</param>
    /// <param name="stage">The <c>cage</c> program, for the inits.</param>
    public CageEngine(StoreSettings settings, StageBinary stage)
    {
        ArgumentNullException.ThrowIfNull(settings);
        Store = new CageStore(settings);
        _stage = stage;
    }

    /// <summary>The cages.</summary>
    public CageStore Store { get; }

    private StoreSettings Settings => Store.Settings;

    /// <summary>All cages with their state; a broken one is told to <paramref name="broken"/> and does not hide the rest.</summary>
    public IEnumerable<CageInfo> List(Action<CageException>? broken = null) => Store.ReadAll(broken).Select(Look);

    /// <summary>The one cage that <paramref name="selector"/> means: a name, an id, or the beginning of one id alone.</summary>
    /// <exception cref="CageException">CageNotFound, CageAmbiguous, CageConfInvalid.</exception>
    public CageInfo Find(string selector) => Look(Store.Find(selector));

    /// <summary>A cage with its state at this moment.</summary>
    public CageInfo Look(CageRecord record) => CageInfo.Of(Settings, record);

    /// <summary>Makes a cage, whole or not at all.</summary>
    /// <exception cref="CageException">What cannot be used, or what failed in the store.</exception>
    public CageInfo Create(NewCage request)
    {
        ArgumentNullException.ThrowIfNull(request);
        StartCheck.RequireRoot("making a cage");
        using Descriptor? turn = AddressPool.TakeTurn(Settings, request.Network);
        if (turn is not null) request = request with { Network = new AddressPool(Settings).Assign(request.Network, request.Id, Store.ReadAll()) };
        return Look(CageMaker.Make(Store, request));
    }

    /// <summary>Changes what a cage's conf says. What a running one cannot change meanwhile is refused.</summary>
    /// <exception cref="CageException">CageAlreadyRunning; CageArgumentInvalid; what failed in the store.</exception>
    public CageInfo Change(CageRecord record, Func<CageRecord, CageRecord> change, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        ArgumentNullException.ThrowIfNull(change);
        StartCheck.RequireRoot("changing a cage");
        using CageLock held = CageLock.Take(record.Path, cancellation);
        CageRecord before = CageStore.Refresh(record), after = change(before);
        if (!after.Binds.SequenceEqual(before.Binds)) after = after with { Binds = CageMaker.ResolveSources(after.Binds) };
        after = after with { Privileges = after.Privileges.Checked() };
        CageMaker.RefuseTexts(after.Name, after.Memo, after.Environment);
        CageMaker.RefuseSettings(after.Name, after.Isolation, after.Device, after.Devices, after.Privileges);
        CageMaker.RefuseLimits(after.Limits);
        CageMaker.RefuseNetwork(after.Network, after.Isolation);
        bool rewired = !after.Network.IsSameAs(before.Network);
        using Descriptor? turn = rewired ? AddressPool.TakeTurn(Settings, after.Network) : null;
        if (turn is not null) after = after with { Network = new AddressPool(Settings).Assign(after.Network, after.Id, Store.ReadAll()) };
        bool reshaped = rewired || after.Isolation != before.Isolation || after.Device != before.Device || !after.Base.SequenceEqual(before.Base) ||
            !after.Binds.SequenceEqual(before.Binds) || !after.Tmpfs.SequenceEqual(before.Tmpfs) ||
            !after.Devices.SequenceEqual(before.Devices) || !after.Privileges.IsSameAs(before.Privileges);
        if (reshaped && Settled(before, cancellation).State != CageState.Stopped)
            throw new CageException(CageError.CageAlreadyRunning, $"\"{before.Name}\" runs: base, isolation, devices, privileges, binds, tmpfs and network can only change while it is stopped.", "Stop it first.", before.Name);
        if (!after.Base.SequenceEqual(before.Base) && LayerChain.Resolve(Store, after.Base).Records.Any(layer => layer.Id == after.Id))
            throw new CageException(CageError.CageArgumentInvalid, $"\"{before.Name}\" would be its own base (a cycle).", "Choose bases that do not need it.", before.Name);
        // A killed start may have left it, and nothing would know it any more.
        if (rewired && before.Network.Mode == NetworkMode.Private) new PrivateNetwork(before.Id).Disconnect();
        bool isLive = after.Limits != before.Limits && Look(before).State != CageState.Stopped;
        if (isLive) LimitGroups.Change(Look(before), after.Limits);
        CageStore.Write(after);
        // What was started after the groups were filled, by a command that had read the conf before.
        if (isLive) LimitGroups.Enter(Look(after));
        return Look(after);
    }

    /// <summary>What a start would do, step by step.</summary>
    /// <exception cref="CageException">What would be refused.</exception>
    public Plan PlanStart(CageRecord record, StartOptions? options = null)
    {
        StartCheck.RefuseReadOnly(record);
        return new Plan(record.Name, [.. StartPlanner.ForStored(Settings, record, () => LayerChain.Resolve(Store, record.Base, record), options?.ReadOnly ?? false, NetworkCheck.Allowed(Store, record))]);
    }

    /// <summary>What a stop would do, step by step; empty when there is nothing to do.</summary>
    public Plan PlanStop(CageRecord record, StopOptions? options = null) => StopPlanner.For(Settings, Look(record), options ?? new StopOptions());

    /// <summary>Starts a cage: all of its plan, or nothing of it.</summary>
    /// <exception cref="CageException">CageAlreadyRunning, CageRequiresRoot, CageMountFailed, CageStartFailed…; the host is as it was.</exception>
    /// <param name="record">The cage.</param>
    /// <param name="options">How.</param>
    /// <param name="warn">Is told what the user should know though the start went on.</param>
    /// <param name="cancellation">Ends it; what was done is undone.</param>
    public CageInfo Start(CageRecord record, StartOptions? options = null, Action<string>? warn = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        StartCheck.RequireRoot("starting a cage");
        using CageLock held = CageLock.Take(record.Path, cancellation);
        record = CageStore.Refresh(record);
        if (Settled(record, cancellation).State != CageState.Stopped)
            throw new CageException(CageError.CageAlreadyRunning, $"\"{record.Name}\" runs already.", target: record.Name);
        // Without its init or its note, what is left may still have the upper mounted, and a second overlay on it would corrupt it.
        if (ControlGroup.Of(record.Id)?.Processes() is { Count: > 0 } left)
            throw new CageException(
                CageError.CageBusy, $"\"{record.Name}\" was not stopped: process {string.Join(", ", left.Take(5))} of it still runs.", $"cage stop {record.Name} (Stop-Cage) ends what is left.", record.Name);
        bool readOnly = options?.ReadOnly ?? false;
        StartCheck.Refuse(Store, record, readOnly);
        NetworkCheck.Refuse(Store, record);
        using HostContext host = new(Settings, record, _stage);
        Execute(record.Name, StartPlanner.ForStored(Settings, record, () => FindLayers(record, readOnly, warn), readOnly, NetworkCheck.Allowed(Store, record)), host, cancellation);
        return Look(record);
    }

    /// <summary>Stops a cage, or clears what a start that was killed has left; one that is stopped is fine.</summary>
    /// <param name="record">The cage.</param>
    /// <param name="options">How.</param>
    /// <param name="warn">Is told what the user should know though the stop went on: a script that failed, a mount detached lazily.</param>
    /// <param name="cancellation">Ends the waiting; what was done stays done, and another stop goes on from there.</param>
    /// <returns>Whether there was anything to stop.</returns>
    public bool Stop(CageRecord record, StopOptions? options = null, Action<string>? warn = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        StartCheck.RequireRoot("stopping a cage");
        using CageLock held = CageLock.Take(record.Path, cancellation);
        return StopHeld(CageStore.Refresh(record), options, warn, cancellation);
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
        Directory.CreateDirectory(Settings.Run);
        CageRecord record = new() { Path = Settings.Run, Id = EphemeralId.New(), Kind = CageKind.Writable, Name = "run", Isolation = isolation };
        if (shape is not null) record = shape(record);
        record = record with { Privileges = record.Privileges.Checked() };
        CageMaker.RefuseSettings(record.Name, isolation, record.Device, record.Devices, record.Privileges);
        CageMaker.RefuseLimits(record.Limits);
        CageMaker.RefuseNetwork(record.Network, isolation);
        if (record.Network.Mode == NetworkMode.Private)
            throw new CageException(CageError.CageArgumentInvalid, "A cage that is not kept has no address of its own.", "Use --network host or none, or make a cage.", "private");
        if (record.Binds.Count > 0) record = record with { Binds = CageMaker.ResolveSources(record.Binds) };
        // One with limits would be outside of its groups, one with a network of its own in the host's.
        HeadStart? early = isolation == CageIsolation.Jail && record.Limits.IsEmpty && record.Network.Mode == NetworkMode.Host ? takeEarly?.Invoke() : null;
        if (early is not null) record = record with { Id = early.Id };
        HostContext host = new(Settings, record, _stage) { DeathSignal = Processes.SIGKILL, Early = early };
        try
        {
            Execute(record.Name, StartPlanner.ForEphemeral(Store, record, () => bases.Count == 0 ? [HostLayer()] : [.. bases.Select(FindBase)]), host, default);
            return new EphemeralCage(host, CageInfo.OfInit(record, host.Init!.Id));
        }
        catch
        {
            host.Dispose();
            throw;
        }
    }

    /// <summary>The read-only cage that <paramref name="selector"/> means where a base is named: the word <c>host</c> is the newest snapshot of the host,
    /// as soon as there is one.</summary>
    /// <exception cref="CageException">CageNotFound, CageAmbiguous, CageSnapshotNotFound.</exception>
    public Guid FindBase(string selector) => selector == HostLink.Name ? HostLink.Base(Store) : Store.Find(selector).Id;

    /// <summary>All snapshots, the oldest first.</summary>
    public IReadOnlyList<CageSnapshot> Snapshots() => SnapshotFolder.List(Store);

    /// <summary>The snapshot of that name.</summary>
    /// <exception cref="CageException">CageSnapshotNotFound.</exception>
    public CageSnapshot FindSnapshot(string name) => Snapshots().FirstOrDefault(snapshot => snapshot.Name == name) ?? throw new CageException(
        CageError.CageSnapshotNotFound, $"There is no snapshot \"{name}\" in {Settings.Snapshots}.", "cage snapshot list (Get-CageSnapshot) shows what is there.", name);

    /// <summary>Makes a snapshot and the read-only cage that stands for it; the nil UUID follows one of the host.</summary>
    /// <param name="request">What it is to be.</param>
    /// <param name="warn">Is told what does not come along.</param>
    /// <param name="progress">Is told how far a copy is, on the calling thread.</param>
    /// <param name="cancellation">Ends it; nothing is left.</param>
    /// <exception cref="CageException">CageSnapshotFailed; CageArgumentInvalid.</exception>
    public CageSnapshot TakeSnapshot(NewSnapshot request, Action<string>? warn = null, Action<CopyProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        StartCheck.RequireRoot("making a snapshot");
        return SnapshotMaker.Make(Store, request, warn ?? (_ => { }), progress, cancellation);
    }

    /// <summary>Removes a snapshot with the cage that stands for it, or what a killed command left of one.</summary>
    /// <exception cref="CageException">CageBusy: cages are over it. With <paramref name="force"/> only those that run count.</exception>
    public void RemoveSnapshot(CageSnapshot snapshot, bool force = false)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        StartCheck.RequireRoot("removing a snapshot");
        SnapshotRemover.Remove(Store, snapshot, force, record => Look(record).State);
    }

    /// <summary>Makes a writable cage a read-only one of the same id, to be a base.</summary>
    /// <exception cref="CageException">CageAlreadyRunning; CageArgumentInvalid: it is read-only.</exception>
    public CageInfo Publish(CageRecord record, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        StartCheck.RequireRoot("publishing a cage");
        using CageLock held = CageLock.Take(record.Path, cancellation);
        record = CageStore.Refresh(record);
        if (Settled(record, cancellation).State != CageState.Stopped || ControlGroup.Of(record.Id)?.Processes() is { Count: > 0 })
            throw new CageException(CageError.CageAlreadyRunning, $"\"{record.Name}\" runs: a layer must not be written any more.", "Stop it first.", record.Name);
        return Look(CagePublisher.Publish(Store, record));
    }

    /// <summary>Removes a cage with all its files.</summary>
    /// <param name="record">The cage.</param>
    /// <param name="force">Stop it first when it runs, by force.</param>
    /// <exception cref="CageException">CageAlreadyRunning; CageBusy: mounts beneath it, or cages above it.</exception>
    /// <param name="warn">As for <see cref="Stop"/>.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public void Remove(CageRecord record, bool force = false, Action<string>? warn = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        StartCheck.RequireRoot("removing a cage");
        using CageLock held = CageLock.Take(record.Path, cancellation);
        record = CageStore.Refresh(record);
        if (!force && Settled(record, cancellation).State != CageState.Stopped)
            throw new CageException(CageError.CageAlreadyRunning, $"\"{record.Name}\" runs.", "Stop it first, or remove it with --force (-Force).", record.Name);
        StopHeld(record, new StopOptions { Force = force }, warn, cancellation);
        IReadOnlyList<CageShim> shims = new ShimMaker(Store, record).List();
        CageRemover.Remove(Store, record);
        // Only now: what could not be removed keeps its ways in.
        foreach (CageShim shim in shims) ShimMaker.Erase(shim);
    }

    /// <summary>The mounts of a running cage, from the kernel's own table; none for one that is stopped.</summary>
    public IReadOnlyList<CageMount> GetMounts(CageInfo cage) => CageMount.Of(cage);

    /// <summary>The processes of a running cage, its init included; none for one that is stopped.</summary>
    public IReadOnlyList<CageProcess> GetProcesses(CageInfo cage) => CageProcess.Of(cage);

    /// <summary>What a cage uses at this moment; of one that is stopped, what its own files take.</summary>
    public CageUsage Measure(CageInfo cage, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(cage);
        StartCheck.RequireRoot("measuring a cage");
        return CageUsage.Of(cage, cancellation);
    }

    /// <summary>What of the host can be reached from inside a cage, the worst first; of one that runs, by what the kernel says too.</summary>
    public IReadOnlyList<CageExposure> FindExposure(CageInfo cage)
    {
        ArgumentNullException.ThrowIfNull(cage);
        StartCheck.RequireRoot("looking into a cage");
        return new ExposureFinder(cage, LayerChain.Resolve(Store, cage.Record.Base, cage.Record)).Find();
    }

    private LayerChain FindLayers(CageRecord record, bool readOnly, Action<string>? warn)
    {
        LayerChain layers = LayerChain.Resolve(Store, record.Base, record);
        if (!readOnly) HostDrift.Check(Store, record, layers.Records, warn);
        return layers;
    }

    /// <summary>A cage with its state once nothing of it is dying any more.</summary>
    private CageInfo Settled(CageRecord record, CancellationToken cancellation) => CageProcesses.AwaitDying(() => Look(record), cancellation);

    private bool StopHeld(CageRecord record, StopOptions? options, Action<string>? warn, CancellationToken cancellation)
    {
        Plan plan = PlanStop(record, options);
        using StepContext context = new() { Cancellation = cancellation, Warn = warn ?? (_ => { }) };
        foreach (Step step in plan.Steps)
        {
            try
            {
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

    private static void Execute(string cage, IEnumerable<Step> steps, HostContext host, CancellationToken cancellation)
    {
        using StepContext context = new() { Host = host, Cancellation = cancellation };
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
        CageError.CageNotFound, "There is no base: the host has no snapshot (the nil UUID) in the store.", "Name one with --base; cage new NAME --read-only --source DIR makes one.");
}
