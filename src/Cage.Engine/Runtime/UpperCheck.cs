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
        string upper = RealPath(record.RootPath);
        foreach (MountEntry mount in MountTable.Read())
            if (mount.Type == "overlay" && mount.SuperOption("upperdir").FirstOrDefault() is string other && other.StartsWith('/') && (other == upper || other == record.RootPath))
                throw Used(record, $"by the overlay on {mount.MountPoint}");
        // A root that is a plain folder of the cage's own is nobody else's: whoever links there is refused for that.
        if (upper == record.RootPath) return;
        if (upper.StartsWith(store.Settings.Data + "/", StringComparison.Ordinal))
            throw StartCheck.Problem(record, $"{record.RootPath} leads to {upper}, into another cage", "Two cages on one upper destroy it: give it a root of its own, or publish that one and name it as base.");
        foreach (CageRecord other in store.ReadAll())
            if (other.Id != record.Id && other.Kind == CageKind.Writable && RealPath(other.RootPath) == upper && CageInfo.Of(store.Settings, other).State != CageState.Stopped)
                throw Used(record, $"by \"{other.Name}\" ({other.Id}), which runs");
    }

    private static CageException Used(CageRecord record, string by) =>
        StartCheck.Problem(record, $"its upper {record.RootPath} is in use {by} (EBUSY)", "Stop that one first: an upper mounted twice is destroyed.");

    private static string RealPath(string path)
    {
        using Descriptor? directory = Files.TryOpen(path, Files.O_PATH | Files.O_DIRECTORY);
        return directory is null ? path : Files.ReadLink(directory.ProcPath) ?? path;
    }
}
