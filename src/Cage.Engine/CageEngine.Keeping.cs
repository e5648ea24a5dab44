using Cage.Engine.Layers;
using Cage.Engine.Network;
using Cage.Engine.Plans;
using Cage.Engine.Roots;
using Cage.Engine.Runtime;
using Cage.Engine.Snapshots;
using Cage.Engine.Services;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine;

public sealed partial class CageEngine
{
    /// <summary>Makes a cage, whole or not at all.</summary>
    /// <param name="request">The cage.</param>
    /// <param name="progress">Is told how far the copy of a source is.</param>
    /// <param name="cancellation">Ends it; nothing is left.</param>
    /// <exception cref="CageException">What cannot be used, or what failed in the store.</exception>
    public CageInfo Create(NewCage request, Action<CopyProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        StartCheck.RequireRoot("making a cage");
        return Look(MakeWithOwn(request, null, progress, cancellation));
    }

    /// <summary>Makes it with an address and a range of ids of its own, where it is to have them.</summary>
    private CageRecord MakeWithOwn(NewCage request, Action<CageRecord>? fill, Action<CopyProgress>? progress, CancellationToken cancellation)
    {
        using Descriptor? turn = AddressPool.TakeTurn(Settings, request.Network, request.Privileges, cancellation);
        if (turn is not null)
            request = request with { Network = new AddressPool(Settings).Assign(request.Network, request.Id, Store.ReadAll()), Privileges = new IdPool(Store).Assign(request.Privileges.Checked(), request.Id) };
        return CageMaker.Make(Store, request, fill, progress, cancellation);
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
        CageMaker.RefuseBinds(after.Name, after.Binds, after.Privileges);
        CageMaker.RefuseLimits(after.Limits);
        CageMaker.RefuseNetwork(after.Network, after.Isolation);
        // Who asks for a range of its own and has one keeps that.
        if (after.Privileges.UserNamespace is { IsAuto: true } && before.Privileges.UserNamespace is not null)
            after = after with { Privileges = after.Privileges with { UserNamespace = before.Privileges.UserNamespace } };
        bool rewired = !after.Network.IsSameAs(before.Network), remapped = after.Privileges.UserNamespace != before.Privileges.UserNamespace;
        using Descriptor? turn = rewired || remapped ? AddressPool.TakeTurn(Settings, after.Network, after.Privileges, cancellation) : null;
        if (turn is not null) after = after with { Network = new AddressPool(Settings).Assign(after.Network, after.Id, Store.ReadAll()), Privileges = new IdPool(Store).Assign(after.Privileges, after.Id) };
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
        return Look(CagePublisher.Publish(Store, record, cancellation));
    }

    /// <summary>The same cages in an order in which they can be removed: each before its bases. One that is there twice comes once.</summary>
    public static IReadOnlyList<CageRecord> RemovalOrder(IReadOnlyList<CageRecord> records) => CageRemover.Order(records);

    /// <summary>Throws what <see cref="Remove"/> would, as far as it is to be seen before.</summary>
    /// <param name="record">The cage.</param>
    /// <param name="force">As for <see cref="Remove"/>.</param>
    /// <param name="gone">Cages that are to be removed before it.</param>
    /// <exception cref="CageException">CageAlreadyRunning; CageBusy.</exception>
    public void RefuseRemoval(CageRecord record, bool force, IReadOnlyCollection<Guid> gone)
    {
        ArgumentNullException.ThrowIfNull(record);
        if (!force && Runs(Look(record))) throw Running(record);
        CageRemover.RefuseUsed(Store, record, gone);
    }

    /// <summary>The files of the host that go with a cage when it is removed: the ways into it, and the unit that starts it when the host boots.</summary>
    public IReadOnlyList<string> LeadingTo(CageRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        string[] shims = [.. GetShims(record).Select(shim => shim.Path)];
        return BootUnit.Find(record) is string unit ? [.. shims, unit] : shims;
    }

    /// <summary>Removes a cage with all its files, the ways into it, and its unit.</summary>
    /// <param name="record">The cage.</param>
    /// <param name="force">Stop it first when it runs, by force.</param>
    /// <exception cref="CageException">CageAlreadyRunning; CageBusy: mounts beneath it, or cages above it.</exception>
    /// <param name="warn">As for <see cref="Stop"/>.</param>
    /// <param name="progress">As for <see cref="Stop"/>.</param>
    /// <param name="cancellation">Ends the waiting. Once its files are being removed, they all are.</param>
    public void Remove(CageRecord record, bool force = false, Action<string>? warn = null, Action<Step>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        StartCheck.RequireRoot("removing a cage");
        using CageLock held = CageLock.Take(record.Path, cancellation);
        record = CageStore.Refresh(record);
        if (!force && Runs(Settled(record, cancellation))) throw Running(record);
        StopHeld(record, new StopOptions { Force = force }, warn, progress, cancellation);
        IReadOnlyList<CageShim> shims = new ShimMaker(Store, record).List();
        CageRemover.Remove(Store, record);
        // Only now: what could not be removed keeps its ways in.
        foreach (CageShim shim in shims) ShimMaker.Erase(shim);
        BootUnit.Forget(record);
    }

    /// <summary>Whether it runs, here or where only its control group is seen from.</summary>
    private static bool Runs(CageInfo cage) => cage.State != CageState.Stopped || ControlGroup.Of(cage.Id)?.RunsElsewhere == true;

    private static CageException Running(CageRecord record) => new(CageError.CageAlreadyRunning, $"\"{record.Name}\" runs.", $"Stop it first, or remove it with {Face.Call("--force", "-Force")}.", record.Name);
}
