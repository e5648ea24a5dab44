using Cage.Engine.Runtime;
using Cage.Engine.Snapshots;

namespace Cage.Engine;

public sealed partial class CageEngine
{
    /// <summary>The read-only cage that <paramref name="selector"/> means where a base is named: the word <c>host</c> is the newest snapshot of the host,
    /// as soon as there is one.</summary>
    /// <exception cref="CageException">CageNotFound, CageAmbiguous, CageSnapshotNotFound.</exception>
    public Guid FindBase(string selector) => selector == HostLink.Name ? HostLink.Base(Store) : Store.Find(selector).Id;

    /// <summary>All snapshots, the oldest first.</summary>
    public IReadOnlyList<CageSnapshot> Snapshots() => SnapshotFolder.List(Store);

    /// <summary>The snapshot of that name.</summary>
    /// <exception cref="CageException">CageSnapshotNotFound.</exception>
    public CageSnapshot FindSnapshot(string name) => Snapshots().FirstOrDefault(snapshot => snapshot.Name == name) ?? throw new CageException(
        CageError.CageSnapshotNotFound, $"There is no snapshot \"{name}\" in {Settings.Snapshots}.", $"{Face.Call("cage snapshot list", "Get-CageSnapshot")} shows what is there.", name);

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

    /// <summary>Throws what <see cref="RemoveSnapshot"/> would, as far as it is to be seen before.</summary>
    /// <exception cref="CageException">CageBusy.</exception>
    public void RefuseSnapshotRemoval(CageSnapshot snapshot, bool force)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        SnapshotRemover.Refuse(Store, snapshot, force, record => Look(record).State);
    }

    /// <summary>Removes a snapshot with the cage that stands for it, or what a killed command left of one.</summary>
    /// <exception cref="CageException">CageBusy: cages are over it. With <paramref name="force"/> only those that run count.</exception>
    /// <param name="snapshot">The snapshot.</param>
    /// <param name="force">Whether cages over it that do not run are left without it.</param>
    /// <param name="cancellation">Ends the waiting. Once its files are being removed, they all are.</param>
    public void RemoveSnapshot(CageSnapshot snapshot, bool force = false, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        StartCheck.RequireRoot("removing a snapshot");
        SnapshotRemover.Remove(Store, snapshot, force, record => Look(record).State, cancellation);
    }
}
