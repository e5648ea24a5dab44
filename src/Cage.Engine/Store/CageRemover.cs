using Cage.Interop;

namespace Cage.Engine.Store;

/// <summary>Removes a cage's folder. The caller has its lock and knows that it does not run.</summary>
internal static class CageRemover
{
    /// <summary>The same cages in an order in which they can go: each before its bases. One that is there twice comes once.</summary>
    public static IReadOnlyList<CageRecord> Order(IReadOnlyList<CageRecord> records)
    {
        Dictionary<Guid, List<CageRecord>> above = [];
        foreach (CageRecord record in records)
            foreach (Guid below in record.Base)
            {
                if (!above.TryGetValue(below, out List<CageRecord>? users)) above[below] = users = [];
                users.Add(record);
            }
        List<CageRecord> ordered = [];
        HashSet<Guid> seen = [];
        foreach (CageRecord record in records) Add(record);
        return ordered;

        void Add(CageRecord record)
        {
            if (!seen.Add(record.Id)) return;
            foreach (CageRecord user in above.GetValueOrDefault(record.Id) ?? []) Add(user);
            ordered.Add(record);
        }
    }

    public static void Remove(CageStore store, CageRecord record)
    {
        RefuseUsed(store, record, []);
        Delete(store, record);
    }

    /// <summary>Keeps what other cages stand on, but for those that are <paramref name="gone"/>, and what stands for a snapshot.</summary>
    public static void RefuseUsed(CageStore store, CageRecord record, IReadOnlyCollection<Guid> gone)
    {
        if (record.Kind != CageKind.ReadOnly) return;
        if (record.Origin is not null && Files.ReadLink(record.RootPath) is string snapshot && Files.Status(snapshot) is not null)
            throw new CageException(
                CageError.CageBusy, $"\"{record.Name}\" stands for the snapshot {snapshot}.",
                $"{Face.Call("cage snapshot remove", "Remove-CageSnapshot")} {Path.GetFileNameWithoutExtension(snapshot)} removes both.", record.Name);
        string[] users = [.. store.ReadAll().Where(other => other.Base.Contains(record.Id) && !gone.Contains(other.Id)).Select(other => $"\"{other.Name}\" ({other.Id})")];
        if (users.Length > 0)
            throw new CageException(CageError.CageBusy, $"\"{record.Name}\" is a base of {string.Join(", ", users)}.", "Remove those first.", record.Name);
    }

    /// <summary>Deletes the folder, whoever needs the cage; only mounts beneath keep it.</summary>
    public static void Delete(CageStore store, CageRecord record)
    {
        MountEntry? mount = MountTable.Read().Beneath(record.Path).FirstOrDefault();
        if (mount is not null)
            throw new CageException(
                CageError.CageBusy, $"{mount.MountPoint} ({mount.Type}) is mounted beneath \"{record.Name}\" (EBUSY).", "Unmount it first; nothing was removed.", record.Name);
        using Descriptor? files = record.Kind == CageKind.ReadOnly ? LayerLock.TakeForRemoval(record.RootPath, record.Name) : null;
        string gone = $"{store.Settings.Data}/.{Path.GetFileName(record.Path)}.gone";
        try
        {
            Files.Rename(record.Path, gone);
            TreeRemoval.Remove(gone);
        }
        catch (LinuxException e)
        {
            throw CageException.Store("Removing", record.Path, e);
        }
    }
}
