using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Runtime;

/// <summary>What a start refuses before anything is mounted, each with what to do instead.</summary>
internal static class StartCheck
{
    /// <summary>What its conf and its folders say.</summary>
    public static void Refuse(CageRecord record)
    {
        RefuseReadOnly(record);
        CageMaker.RefuseSettings(record.Name, record.Isolation, record.Device, record.Devices, record.Privileges);
        CageMaker.RefuseBinds(record.Name, record.Binds, record.Privileges);
        RefuseMountPoint(record);
        Directory(record, record.RootPath, "root");
    }

    /// <summary>What is left of it, without its init or its note, may still have the upper mounted, and a second overlay on it would corrupt it. So may what was started in another pid or mount
    /// namespace, and does not run as far as this one can see: as long as it was not stopped there it has its control group.</summary>
    public static void RefuseLeft(CageRecord record)
    {
        if (ControlGroup.Of(record.Id) is not { Exists: true } group) return;
        if (group.Processes() is { Count: > 0 } left)
            throw new CageException(
                CageError.CageBusy, $"\"{record.Name}\" was not stopped: process {string.Join(", ", left.Take(5))} of it still runs.", $"{Face.Call("cage stop", "Stop-Cage")} {record.Name} ends what is left.", record.Name);
        if (group.RunsElsewhere)
            throw new CageException(
                CageError.CageBusy, $"\"{record.Name}\" runs in another pid namespace: its control group {group.Path} has processes that are not seen from here (EBUSY).", "Stop it there: an upper mounted twice is destroyed.", record.Name);
        if (record.Isolation == CageIsolation.Chroot && MountHolders.InOtherNamespaces(record.MountPath).FirstOrDefault() is string holder)
            throw new CageException(
                CageError.CageBusy, $"\"{record.Name}\" was started in another mount namespace, that of {holder}, and not stopped there (EBUSY).", "Stop it there (nsenter -t PID -m): an upper mounted twice is destroyed.", record.Name);
    }

    /// <summary>What the kernel says of its upper, which takes longer: an init can come up meanwhile.</summary>
    public static void RefuseUpper(CageStore store, CageRecord record)
    {
        FileStatus root = Directory(record, record.RootPath, "root");
        RefuseReadOnlyUpper(record);
        UpperCheck.Refuse(store, record);
        FileStatus work = Directory(record, record.WorkPath, "work");
        if (work.Device != root.Device || work.MountId != root.MountId)
            throw Problem(record, $"{record.WorkPath} lies on another file system or mount than {record.RootPath} (EXDEV)", "overlayfs needs both on one: move the work folder.");
        if (Files.FileSystemType(record.RootPath) == Files.OVERLAYFS_SUPER_MAGIC)
            throw Problem(record, $"{record.RootPath} lies on overlayfs itself, which cannot be an upper (EINVAL)", "Put the store on another file system (data= in cage.conf), or use cage run, whose upper is a tmpfs.");
    }

    public static void RefuseReadOnly(CageRecord record)
    {
        if (record.Kind != CageKind.Writable)
            throw new CageException(
                CageError.CageStartFailed, $"\"{record.Name}\" is read-only: it is a layer, not started.", $"Make a writable cage over it: {Face.Call("cage new NAME --base", "New-Cage NAME -Base")} {record.Name}.", record.Name);
    }

    public static void RequireRoot(string what)
    {
        if (Interop.Host.EffectiveUser != 0)
            throw new CageException(CageError.CageRequiresRoot, $"Only root may do this: {what} (EPERM).", "Run it as root, with sudo for instance.");
    }

    /// <summary>overlayfs would say EINVAL, and why only to the kernel's log.</summary>
    private static void RefuseReadOnlyUpper(CageRecord record)
    {
        using Descriptor root = Files.Open(record.RootPath, Files.O_PATH | Files.O_DIRECTORY);
        if (Files.IsReadOnly(root))
            throw Problem(
                record, $"{record.RootPath} lies on a file system that is mounted read-only (EROFS)",
                $"Remount it to be written (mount -o remount,rw), or start the cage with {Face.Call("--read-only", "-ReadOnly")}.");
    }

    private static void RefuseMountPoint(CageRecord record)
    {
        string path = record.MountPath;
        if (Files.Status(path) is not FileStatus status)
            throw Problem(record, $"{path}: the mount point is not there (ENOENT)", $"mkdir \"{path}\".");
        if (status.IsLink) throw Problem(record, $"{path}: the mount point is a symbolic link (ELOOP)", "Make it a plain folder.");
        if (!status.IsDirectory) throw Problem(record, $"{path}: the mount point is not a folder (ENOTDIR)", "Make it a plain folder.");
        if (status.IsMountRoot) throw Problem(record, $"{path}: something is mounted there already (EBUSY)", $"{Face.Call("cage stop", "Stop-Cage")} clears it.");
        if (System.IO.Directory.EnumerateFileSystemEntries(path).Any())
            throw Problem(record, $"{path}: the mount point is not empty (ENOTEMPTY)", "What is in it would be hidden: move it away.");
    }

    private static FileStatus Directory(CageRecord record, string path, string key) =>
        Files.StatusFollowed(path) is { IsDirectory: true } status ? status : throw Problem(record, $"{path}: the {key} folder is not there (ENOENT)", $"mkdir \"{path}\".");

    internal static CageException Problem(CageRecord record, string what, string advice) =>
        new(CageError.CageStartFailed, $"\"{record.Name}\" was not started: {what}.", advice, record.Name);
}
