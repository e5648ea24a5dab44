using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Snapshots;

/// <summary>Removes snapshots, with the read-only cages that stand for them.</summary>
internal static class SnapshotRemover
{
    /// <summary>Removes <paramref name="snapshot"/>, or clears what is left of one.</summary>
    /// <exception cref="CageException">CageBusy: cages are over it; with <paramref name="force"/> only those that run count.</exception>
    public static void Remove(CageStore store, CageSnapshot snapshot, bool force, Func<CageRecord, CageState> look)
    {
        if (!snapshot.IsUnfinished) RefuseUsed(store, snapshot, force, look);
        using Descriptor? files = LayerLock.TakeForRemoval(SnapshotFolder.PathOf(store.Settings, snapshot.Name), snapshot.Name);
        try
        {
            if (snapshot.IsHost) HostLink.Follow(store, without: snapshot);
            if (snapshot.CageId is Guid id && store.Get(id, CageKind.ReadOnly) is CageRecord cage) CageRemover.Delete(store, cage);
            Discard(store, snapshot.Name);
        }
        catch (LinuxException e)
        {
            throw new CageException(CageError.CageSnapshotFailed, $"The snapshot {snapshot.Name} was not removed: {e.Message}.", "What is left of it, another removal clears.", snapshot.Name, e);
        }
    }

    /// <summary>Removes its files, whatever state they are in.</summary>
    public static void Discard(CageStore store, string name)
    {
        string folder = store.Settings.Snapshots, path = SnapshotFolder.PathOf(store.Settings, name), gone = $"{folder}/{SnapshotFolder.RemovingName(name)}";
        Files.Unlink(SnapshotFolder.NotePathOf(store.Settings, name));
        TreeRemoval.Remove($"{folder}/{SnapshotFolder.MakingName(name)}");
        if (Files.Status(path) is FileStatus status)
        {
            if (!status.IsDirectory)
            {
                Files.Unlink(path);
                return;
            }
            Files.Rename(path, gone);
        }
        TreeRemoval.Remove(gone);
    }

    private static void RefuseUsed(CageStore store, CageSnapshot snapshot, bool force, Func<CageRecord, CageState> look)
    {
        HashSet<Guid> above = [.. snapshot.CageId is Guid id ? [id] : Array.Empty<Guid>(), .. snapshot.IsHost ? [CageRecord.Nil] : Array.Empty<Guid>()];
        IReadOnlyList<CageRecord> all = store.ReadAll();
        List<CageRecord> users = [];
        // Bases of bases too: as long as a round finds more.
        for (int before = -1; before != users.Count;)
        {
            before = users.Count;
            foreach (CageRecord cage in all)
                if (cage.Base.Any(above.Contains) && above.Add(cage.Id)) users.Add(cage);
        }
        CageRecord[] running = [.. users.Where(cage => look(cage) != CageState.Stopped)];
        CageRecord[] refused = force ? running : [.. users];
        if (refused.Length == 0) return;
        throw new CageException(
            CageError.CageBusy,
            $"The snapshot {snapshot.Name} is below {string.Join(", ", refused.Select(cage => $"\"{cage.Name}\" ({cage.Id})"))}{(running.Length > 0 && force ? ", which runs" : "")}.",
            running.Length > 0 ? "Stop and remove those first." : "Remove those first, or use --force (-Force), which leaves them without their base.", snapshot.Name);
    }
}
