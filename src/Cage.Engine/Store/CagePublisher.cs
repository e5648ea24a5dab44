using Cage.Interop;

namespace Cage.Engine.Store;

/// <summary>Makes a writable cage a layer: <c>&lt;uuid&gt;.w</c> becomes <c>&lt;uuid&gt;.r</c>. The caller has its lock and knows that it does not run.</summary>
internal static class CagePublisher
{
    /// <summary>What overlayfs notes in an upper for itself. What says that something below is hidden, renamed or opaque stays: a layer needs it.</summary>
    private static readonly string[] _marks = ["trusted.overlay.origin", "trusted.overlay.impure", "trusted.overlay.nlink", "trusted.overlay.upper", "trusted.overlay.uuid"];

    /// <param name="store">Where.</param>
    /// <param name="record">The cage.</param>
    /// <param name="cancellation">Ends it before the one step that counts; the cage is writable then, as it was.</param>
    public static CageRecord Publish(CageStore store, CageRecord record, CancellationToken cancellation)
    {
        if (record.Kind == CageKind.ReadOnly)
            throw new CageException(CageError.CageArgumentInvalid, $"\"{record.Name}\" is read-only already.", target: record.Name);
        MountEntry? mount = MountTable.Read().Beneath(record.Path).FirstOrDefault();
        if (mount is not null)
            throw new CageException(CageError.CageBusy, $"{mount.MountPoint} ({mount.Type}) is mounted beneath \"{record.Name}\" (EBUSY).", $"{Face.Call("cage stop", "Stop-Cage")} clears it.", record.Name);
        string path = store.PathOf(record.Id, CageKind.ReadOnly);
        try
        {
            Clean(record, cancellation);
            // The one step that counts: before it the cage is writable and whole, after it a layer with a few folders too many.
            Files.Rename(record.Path, path);
            CageRecord layer = record with { Path = path, Kind = CageKind.ReadOnly };
            try
            {
                ForgetRunning(layer);
            }
            catch
            {
                // For want of space, perhaps, which this takes none of.
                Files.Rename(path, record.Path);
                throw;
            }
            TreeRemoval.Remove(layer.WorkPath);
            RemoveMountPoint(layer);
            Snapshots.HostDrift.Forget(layer);
            return CageRecord.Read(path);
        }
        catch (LinuxException e)
        {
            throw CageException.Store("Publishing", record.Path, e);
        }
    }

    private static void ForgetRunning(CageRecord layer)
    {
        ConfFile file = ConfFile.Read(layer.ConfPath);
        foreach (string key in (ReadOnlySpan<string>)["work", "mountpoint", "start", "stop", "isolation", "device", "environment"]) file.Set(key, (string?)null);
        AtomicFile.Write(layer.ConfPath, file.ToBytes());
    }

    /// <summary>Files that somebody keeps under the mount point are no reason to fail.</summary>
    private static void RemoveMountPoint(CageRecord layer)
    {
        try
        {
            Files.RemoveDirectory(layer.MountPath);
        }
        catch (LinuxException e) when (e.Number is Errno.ENOTEMPTY or Errno.ENOTDIR)
        {
        }
    }

    private static void Clean(CageRecord record, CancellationToken cancellation)
    {
        using Descriptor root = Files.Open(record.RootPath, Files.O_RDONLY | Files.O_DIRECTORY);
        // An empty one is a mount point that a start made: as a layer it would hide the one below.
        if (Files.TryOpenInRoot(root, "etc", Files.O_PATH | Files.O_DIRECTORY) is Descriptor etc)
            using (etc)
                if (Files.StatusAt(etc, "resolv.conf") is { IsRegular: true, Size: 0 }) Files.UnlinkAt(etc, "resolv.conf");
        Unmark(root, [(byte)'.', 0]);
        new Snapshots.TreeWalk((walk, folder) =>
        {
            while (Directories.ReadSome(folder.From) is { Count: > 0 } entries)
                foreach ((byte[] name, EntryType type) in entries)
                {
                    Unmark(folder.From, name);
                    if (type == EntryType.Directory || (type == EntryType.Unknown && Files.StatusAt(folder.From, name) is { IsDirectory: true })) walk.Enter(folder, name);
                }
        }).Run(Files.OpenAt(root, ".", Files.O_RDONLY | Files.O_DIRECTORY), null, null, cancellation);
    }

    private static void Unmark(Descriptor folder, byte[] name)
    {
        foreach (string attribute in Attributes.Names(folder, name))
            if (_marks.Contains(attribute)) Attributes.Remove(folder, name, attribute);
    }
}
