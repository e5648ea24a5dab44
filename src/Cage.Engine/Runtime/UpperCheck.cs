using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Runtime;

/// <summary>Refuses an upper that another overlay writes to, or that a crash may have spoiled: the kernel only notes the one in its log, and refuses
/// the other with EINVAL (Documentation/filesystems/overlayfs.rst).</summary>
internal static class UpperCheck
{
    public static void Refuse(CageStore store, CageRecord record)
    {
        if (Files.Status($"{record.WorkPath}/work/incompat/volatile") is not null)
            throw StartCheck.Problem(
                record, $"its upper was mounted volatile and not unmounted since, so that a crash may have lost what was written (EINVAL): {record.WorkPath}/work/incompat/volatile says so",
                "Look whether its files are whole, then remove that folder.");
        MountEntry[] overlays = [.. MountTable.Read().Where(mount => mount.Type == "overlay")];
        foreach (string own in new[] { record.RootPath, record.WorkPath }) RefuseUsed(store, record, own, RealPath(own), overlays);
    }

    /// <summary>Of the upper and the work folder alike.</summary>
    private static void RefuseUsed(CageStore store, CageRecord record, string own, string real, MountEntry[] overlays)
    {
        foreach (MountEntry mount in overlays)
            if (mount.SuperOption("upperdir").Concat(mount.SuperOption("workdir")).Any(other => HasName(other) && (other == own || RealPath(other) == real)))
                throw Used(record, own, $"by the overlay on {mount.MountPoint}");
        // A plain folder of the cage's own is nobody else's: whoever links there is refused for that.
        if (MountHolders.IsBeneath(real, record.Path)) return;
        if (MountHolders.IsBeneath(real, store.Settings.Data))
            throw StartCheck.Problem(record, $"{own} leads to {real}, into another cage", "Two cages on one upper destroy it: give it a folder of its own, or publish that one and name it as base.");
        foreach (CageRecord other in store.ReadAll())
            if (other.Id != record.Id && other.Kind == CageKind.Writable && (RealPath(other.RootPath) == real || RealPath(other.WorkPath) == real) &&
                CageInfo.Of(store.Settings, other).State != CageState.Stopped)
                throw Used(record, own, $"by \"{other.Name}\" ({other.Id}), which runs");
    }

    private static CageException Used(CageRecord record, string own, string by) => StartCheck.Problem(
        record, $"its {(own == record.RootPath ? "upper" : "work folder")} {own} is in use {by} (EBUSY)", "Stop that one first: an upper mounted twice is destroyed.");

    /// <summary>Whether the kernel names it by a path that is the same for every reader.</summary>
    private static bool HasName(string path) => path.StartsWith('/') && !path.StartsWith("/proc/", StringComparison.Ordinal);

    private static string RealPath(string path)
    {
        using Descriptor? directory = Files.TryOpen(path, Files.O_PATH | Files.O_DIRECTORY);
        return directory is null ? path : Files.ReadLink(directory.ProcPath) ?? path;
    }
}
