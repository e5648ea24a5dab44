using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Snapshots;

/// <summary>Removes snapshots, with the read-only cages that stand for them.</summary>
internal static class SnapshotRemover
{
    /// <summary>Removes <paramref name="snapshot"/>, or clears what is left of one.</summary>
    /// <exception cref="CageException">CageBusy: cages are over it; with <paramref name="force"/> only those that run count. Or another command is at work on it.</exception>
    public static void Remove(CageStore store, CageSnapshot snapshot, bool force, Func<CageRecord, CageState> look, CancellationToken cancellation)
    {
        snapshot = AsItIs(store, snapshot);
        List<CageLock> locks = [];
        try
        {
            // None of those over it can be started until it is gone.
            RefuseUsed(store, snapshot, force, look, cage => locks.Add(CageLock.Take(cage.Path, cancellation)));
            using Descriptor? held = Hold(snapshot);
            if (snapshot.OfHost) HostLink.Follow(store, without: snapshot, cancellation);
            Discard(store, snapshot.Name);
            // Another snapshot may have led it here again before this one was gone.
            if (HostLink.Target(store) == snapshot.Path) HostLink.Follow(store, cancellation: CancellationToken.None);
        }
        catch (LinuxException e)
        {
            throw new CageException(CageError.CageSnapshotFailed, $"The snapshot {snapshot.Name} was not removed: {e.Message}.", "What is left of it, another removal clears.", snapshot.Name, e);
        }
        finally
        {
            foreach (CageLock held in locks) held.Dispose();
        }
    }

    /// <summary>Throws what <see cref="Remove"/> would, as far as it is to be seen before.</summary>
    public static void Refuse(CageStore store, CageSnapshot snapshot, bool force, Func<CageRecord, CageState> look) => RefuseUsed(store, AsItIs(store, snapshot), force, look, _ => { });

    /// <summary>Removes its tree, its cage and its note, whatever state they are in. The tree loses its name first: what has one is whole.</summary>
    public static void Discard(CageStore store, string name)
    {
        string folder = store.Settings.Snapshots, path = SnapshotFolder.PathOf(store.Settings, name), gone = $"{folder}/{SnapshotFolder.RemovingName(name)}";
        bool isLink = Files.Status(path) is { IsLink: true };
        if (!isLink && Files.Status(path) is not null) Files.Rename(path, gone);
        foreach (CageRecord cage in store.ReadAll())
            if (cage is { Kind: CageKind.ReadOnly, Origin: not null } && Files.ReadLink(cage.RootPath) == path) CageRemover.Delete(store, cage);
        Files.Unlink(SnapshotFolder.NotePathOf(store.Settings, name));
        if (isLink) Files.Unlink(path);
        TreeRemoval.Remove($"{folder}/{SnapshotFolder.MakingName(name)}");
        TreeRemoval.Remove(gone);
    }

    /// <summary>The lock of its tree; null for a link, which has none.</summary>
    private static Descriptor? Hold(CageSnapshot snapshot)
    {
        if (Files.Status(snapshot.Path) is { IsLink: true }) return null;
        Descriptor? tree = Files.TryOpen(snapshot.Path, Files.O_RDONLY | Files.O_DIRECTORY | Files.O_NOFOLLOW);
        if (tree is not null && Files.Lock(tree, wait: false) && Files.Status(snapshot.Path)?.IsSameFile(Files.Status(tree)) == true) return tree;
        tree?.Dispose();
        throw new CageException(CageError.CageBusy, $"Another command is at work on the snapshot {snapshot.Name}.", $"{Face.Call("cage snapshot list", "Get-CageSnapshot")} says when it is done.", snapshot.Name);
    }

    /// <summary>Since it was listed, the nil UUID may have come to it.</summary>
    private static CageSnapshot AsItIs(CageStore store, CageSnapshot snapshot) =>
        SnapshotFolder.List(store).FirstOrDefault(other => other.Name == snapshot.Name && other.IsUnfinished == snapshot.IsUnfinished) ??
        throw new CageException(CageError.CageSnapshotNotFound, $"The snapshot \"{snapshot.Name}\" was removed meanwhile.", target: snapshot.Name);

    private static void RefuseUsed(CageStore store, CageSnapshot snapshot, bool force, Func<CageRecord, CageState> look, Action<CageRecord> hold)
    {
        if (snapshot.IsUnfinished) return;
        string path = Files.Status(snapshot.Path) is { IsLink: true } ? snapshot.Path : RealPath(snapshot.Path);
        IReadOnlyList<CageRecord> all = store.ReadAll();
        HashSet<Guid> above = [];
        List<CageRecord> users = [];
        foreach (CageRecord cage in all)
        {
            if (cage.Kind != CageKind.ReadOnly || Files.ReadLink(cage.RootPath) is not string link) continue;
            bool own = cage.Id == snapshot.CageId || (cage.Id == CageRecord.Nil && snapshot.IsHost);
            if (!own && link != path && !MountHolders.IsBeneath(RealPath(cage.RootPath), path)) continue;
            // One that was linked to it by hand uses it.
            if (above.Add(cage.Id) && !own) users.Add(cage);
        }
        // Bases of bases too: as long as a round finds more.
        for (int before = -1; before != users.Count;)
        {
            before = users.Count;
            foreach (CageRecord cage in all)
                if (cage.Base.Any(above.Contains) && above.Add(cage.Id)) users.Add(cage);
        }
        if (force) users.FindAll(cage => cage.Kind == CageKind.Writable).ForEach(hold);
        CageRecord[] running = [.. users.Where(cage => look(cage) != CageState.Stopped)];
        CageRecord[] refused = force ? running : [.. users];
        if (refused.Length > 0)
            throw new CageException(
                CageError.CageBusy,
                $"The snapshot {snapshot.Name} is below {string.Join(", ", refused.Select(cage => $"\"{cage.Name}\" ({cage.Id})"))}{(running.Length > 0 && force ? ", which runs" : "")}.",
                running.Length > 0 ? "Stop and remove those first." : $"Remove those first, or use {Face.Call("--force", "-Force")}, which leaves them without their base.", snapshot.Name);
        if (MountHolders.WithLayer(path).FirstOrDefault() is string holder)
            throw new CageException(
                CageError.CageBusy, $"The snapshot {snapshot.Name} is a layer of an overlay that {holder} sees (EBUSY).", "End that cage run, or unmount it.", snapshot.Name);
    }

    private static string RealPath(string path)
    {
        using Descriptor? folder = Files.TryOpen(path, Files.O_PATH);
        return folder is null ? path : Files.ReadLink(folder.ProcPath) ?? path;
    }
}
