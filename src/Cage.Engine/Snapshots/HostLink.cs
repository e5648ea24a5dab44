using System.Globalization;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Snapshots;

/// <summary>The nil UUID: a read-only cage whose root is a link to the newest snapshot of the host. [004]</summary>
internal static class HostLink
{
    private const int Attempts = 100, Pause = 10;

    /// <summary>Its name, and the word for the newest snapshot of the host where a base is named.</summary>
    public const string Name = "host";

    private const string Memo = "the newest snapshot of the host";

    /// <summary>Where its root leads; null where there is none, or it is no link.</summary>
    public static string? Target(CageStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        try
        {
            return store.Get(CageRecord.Nil, CageKind.ReadOnly) is CageRecord nil ? Files.ReadLink(nil.RootPath) : null;
        }
        catch (CageException)
        {
            // A broken cage is the list of cages' to tell.
            return null;
        }
    }

    /// <summary>The directory that its root leads to in the end; null where there is none.</summary>
    public static FileStatus? Tree(CageStore store) => Target(store) is null ? null : Files.StatusFollowed(store.Get(CageRecord.Nil, CageKind.ReadOnly)!.RootPath);

    /// <summary>Refuses a nil UUID that could not follow, before anything is made for it to follow.</summary>
    /// <exception cref="CageException">CageConfInvalid; CageSnapshotFailed: its root is no link.</exception>
    public static void Refuse(CageStore store)
    {
        if (store.Get(CageRecord.Nil, CageKind.ReadOnly) is CageRecord nil && Files.ReadLink(nil.RootPath) is null && Files.Status(nil.RootPath) is not null)
            throw new CageException(CageError.CageSnapshotFailed, $"{nil.RootPath} is no symbolic link, so the nil UUID cannot follow.", "Move what is there away, and link it to a snapshot.", nil.Path);
    }

    /// <summary>The cage of the newest snapshot of the host; before there is any, the cage that somebody has named so.</summary>
    /// <exception cref="CageException">CageSnapshotNotFound.</exception>
    public static Guid Base(CageStore store)
    {
        if (SnapshotFolder.List(store).LastOrDefault(snapshot => snapshot is { OfHost: true, IsUnfinished: false, CageId: not null }) is { CageId: Guid id }) return id;
        return store.FindAll(Name) is [CageRecord named] ? named.Id : throw new CageException(
            CageError.CageSnapshotNotFound, $"There is no snapshot of the host in {store.Settings.Snapshots} to be a base.", $"{Face.Call("cage snapshot new", "New-CageSnapshot")} makes one.", Name);
    }

    /// <summary>Lets the nil UUID follow: to the newest snapshot of the host but for <paramref name="without"/>, in one step. It is made where it is missing, and goes with the last one.</summary>
    public static void Follow(CageStore store, CageSnapshot? without = null, CancellationToken cancellation = default)
    {
        using CageLock? held = Hold(store, without, cancellation);
        if (held is null || store.Get(CageRecord.Nil, CageKind.ReadOnly) is not CageRecord nil) return;
        string? before = Files.ReadLink(nil.RootPath);
        // Looked for under the lock: of two that have just been made, the later one stays.
        if (Newest(store, without) is not CageSnapshot newest)
        {
            if (without is not null && before == without.Path) CageRemover.Delete(store, nil);
            return;
        }
        if (before == newest.Path) return;
        // The seed's own lines gave it the name of one snapshot, which it is no longer.
        if (nil.Name.StartsWith("host_", StringComparison.Ordinal)) CageStore.Write(nil with { Name = Name, Memo = Memo });
        Replace(nil, newest.Path);
    }

    /// <summary>The nil UUID's lock; null where there is neither it nor a snapshot for it. Of others at the same, one may make it and one may take it away meanwhile.</summary>
    private static CageLock? Hold(CageStore store, CageSnapshot? without, CancellationToken cancellation)
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                if (store.Get(CageRecord.Nil, CageKind.ReadOnly) is CageRecord nil) return CageLock.Take(nil.Path, cancellation);
                if (Newest(store, without) is not CageSnapshot first) return null;
                CageMaker.Make(store, new NewCage { Id = CageRecord.Nil, Kind = CageKind.ReadOnly, Name = Name, Memo = Memo, Source = first.Path }, cancellation: cancellation);
            }
            catch (CageException) when (attempt < Attempts)
            {
                Thread.Sleep(Pause);
            }
        }
    }

    private static CageSnapshot? Newest(CageStore store, CageSnapshot? without) =>
        SnapshotFolder.List(store).LastOrDefault(snapshot => snapshot is { OfHost: true, IsUnfinished: false } && snapshot.Name != without?.Name);

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
