using System.Diagnostics;
using Cage.Engine.Network;
using Cage.Engine.Runtime;
using Cage.Engine.Snapshots;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine;

public sealed partial class CageEngine
{
    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(50);

    /// <summary>Copies a cage that does not run, with all its files: another id and name, another private address and range of user ids, the same bases.</summary>
    /// <param name="record">The cage.</param>
    /// <param name="name">The copy's name; its host name is made from it.</param>
    /// <param name="id">The copy's id; null for a random one.</param>
    /// <param name="renewIdentity">Whether the copy gets a machine-id and ssh host keys of its own.</param>
    /// <param name="progress">Is told now and then.</param>
    /// <param name="cancellation">Ends the waiting for the cage's lock, and the copy.</param>
    /// <exception cref="CageException">CageAlreadyRunning; CageAlreadyExists; CageArgumentInvalid; what failed in the store. Nothing is left then.</exception>
    public CageInfo Copy(CageRecord record, string name, Guid? id = null, bool renewIdentity = false, Action<CopyProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        StartCheck.RequireRoot("copying a cage");
        using CageLock held = CageLock.Take(record.Path, cancellation);
        record = CageStore.Refresh(record);
        if (Look(record).State != CageState.Stopped)
            throw new CageException(CageError.CageAlreadyRunning, $"\"{record.Name}\" runs: a copy of files that change would be of no moment.", "Stop it first.", record.Name);
        Guid copy = id ?? RandomId.New();
        return Look(CageCopier.Copy(Store, record, record with { Id = copy, Name = name, Path = Store.PathOf(copy, record.Kind) }, renewIdentity, progress, cancellation));
    }

    /// <summary>Waits until a cage is in a state.</summary>
    /// <param name="cage">The cage.</param>
    /// <param name="state">The state.</param>
    /// <param name="timeout">How long at most; <see cref="Timeout.InfiniteTimeSpan"/> for ever.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <returns>The cage as it is then.</returns>
    /// <exception cref="CageException">CageWaitTimeout; CageNotFound: it was removed meanwhile.</exception>
    public CageInfo Wait(CageInfo cage, CageState state, TimeSpan timeout, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(cage);
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            CageInfo now = Find(cage.Id.ToString("D"));
            if (now.State == state) return now;
            if (timeout != Timeout.InfiniteTimeSpan && Stopwatch.GetElapsedTime(start) >= timeout)
                throw new CageException(CageError.CageWaitTimeout, $"\"{cage.Name}\" is not {state} after {timeout.TotalSeconds:0.#} s, but {now.State}.", target: cage.Name);
            // An init's end is told at once; all else has to be looked for.
            using Descriptor? init = now.OpenInit();
            if (init is null) Thread.Sleep(_look);
            else ProcessWait.For(init, _look, cancellation);
        }
    }

    /// <summary>Changes the global configuration. The cages stay where they are: another folder of cages is another store.</summary>
    /// <exception cref="CageException">CageAlreadyRunning: notes of running cages would be lost; CageConfInvalid; what failed in writing.</exception>
    public StoreSettings Configure(Func<StoreSettings, StoreSettings> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        StartCheck.RequireRoot("changing the configuration");
        StoreSettings before = StoreSettings.Load(), after = change(before);
        if ((after.Data != before.Data || after.Run != before.Run) && List().FirstOrDefault(cage => cage.State != CageState.Stopped) is CageInfo running)
            throw new CageException(
                CageError.CageAlreadyRunning, $"\"{running.Name}\" runs: it would be lost sight of with another data or run folder.", "Stop all cages first.", running.Name);
        return after.Save();
    }
}
