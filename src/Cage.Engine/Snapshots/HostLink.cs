using System.Globalization;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Snapshots;

/// <summary>The nil UUID: a read-only cage whose root is a link to the newest snapshot of the host. [004]</summary>
internal static class HostLink
{
    /// <summary>Its name, and the word for the newest snapshot of the host where a base is named.</summary>
    public const string Name = "host";

    private const string Memo = "the newest snapshot of the host";

    /// <summary>Where its root leads; null where there is none, or it is no link.</summary>
    public static string? Target(CageStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        return store.Get(CageRecord.Nil, CageKind.ReadOnly) is CageRecord nil ? Files.ReadLink(nil.RootPath) : null;
    }

    /// <summary>The cage of the newest snapshot of the host; before there is any, the cage that somebody has named so.</summary>
    /// <exception cref="CageException">CageSnapshotNotFound.</exception>
    public static Guid Base(CageStore store)
    {
        if (SnapshotFolder.List(store).LastOrDefault(snapshot => snapshot is { OfHost: true, IsUnfinished: false, CageId: not null }) is { CageId: Guid id }) return id;
        return store.FindAll(Name) is [CageRecord named] ? named.Id : throw new CageException(
            CageError.CageSnapshotNotFound, $"There is no snapshot of the host in {store.Settings.Snapshots} to be a base.", "cage snapshot new (New-CageSnapshot) makes one.", Name);
    }

    /// <summary>Lets the nil UUID follow: to the newest snapshot of the host but for <paramref name="without"/>, in one step. It is made where it is missing, and goes with the last one.</summary>
    public static void Follow(CageStore store, CageSnapshot? without = null)
    {
        CageSnapshot? newest = SnapshotFolder.List(store).LastOrDefault(snapshot => snapshot is { OfHost: true, IsUnfinished: false } && snapshot.Name != without?.Name);
        CageRecord? nil = store.Get(CageRecord.Nil, CageKind.ReadOnly);
        if (newest is null)
        {
            if (nil is not null && without is not null && Files.ReadLink(nil.RootPath) == without.Path) CageRemover.Delete(store, nil);
            return;
        }
        if (nil is null)
        {
            CageMaker.Make(store, new NewCage { Id = CageRecord.Nil, Kind = CageKind.ReadOnly, Name = Name, Memo = Memo, Source = newest.Path });
            return;
        }
        using CageLock held = CageLock.Take(nil.Path);
        nil = CageStore.Refresh(nil);
        if (Files.ReadLink(nil.RootPath) is not string before)
            throw new CageException(
                CageError.CageSnapshotFailed, $"{nil.RootPath} is no symbolic link, so the nil UUID cannot follow {newest.Name}.", "Move what is there away, and link it to a snapshot.", nil.Path);
        if (before == newest.Path) return;
        Replace(nil, newest.Path);
        // The seed's own lines gave it the name of one snapshot, which it is no longer.
        if (nil.Name.StartsWith("host_", StringComparison.Ordinal)) CageStore.Write(nil with { Name = Name, Memo = Memo });
    }

    private static void Replace(CageRecord nil, string target)
    {
        string temporary = string.Create(CultureInfo.InvariantCulture, $".{nil.Root}.{Host.ProcessId}.new");
        using (Descriptor folder = Files.Open(nil.Path, Files.O_RDONLY | Files.O_DIRECTORY))
        {
            Files.UnlinkAt(folder, temporary);
            Files.MakeLinkAt(folder, temporary, target);
        }
        Files.Rename($"{nil.Path}/{temporary}", nil.RootPath);
    }
}
