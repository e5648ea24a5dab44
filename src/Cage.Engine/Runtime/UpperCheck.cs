using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Runtime;

/// <summary>Refuses an upper that another overlay writes to, or that a crash may have spoiled: the kernel only notes the one in its log, and refuses
/// the other with EINVAL (Documentation/filesystems/overlayfs.rst).</summary>
internal static class UpperCheck
{
    /// <summary>For a start that writes.</summary>
    public static void Refuse(CageStore store, CageRecord record)
    {
        if (Files.Status($"{record.WorkPath}/work/incompat/volatile") is not null)
            throw StartCheck.Problem(
                record, $"its upper was mounted volatile and not unmounted since, so that a crash may have lost what was written (EINVAL): {record.WorkPath}/work/incompat/volatile says so",
                "Look whether its files are whole, then remove that folder.");
        MountEntry[] overlays = Overlays();
        foreach (string own in new[] { record.RootPath, record.WorkPath })
        {
            string real = RealPath(own);
            RefuseMounted(record, own, real, overlays, Destroyed);
            // A plain folder of the cage's own is nobody else's: whoever links there is refused for that.
            if (MountHolders.IsBeneath(real, record.Path)) continue;
            if (MountHolders.IsBeneath(real, store.Settings.Data))
                throw StartCheck.Problem(record, $"{own} leads to {real}, into another cage", "Two cages on one upper destroy it: give it a folder of its own, or publish that one and name it as base.");
            RefuseRunning(store, record, own, real, Destroyed);
        }
    }

    /// <summary>For a start that only reads its upper: as a layer, which nobody may write to meanwhile.</summary>
    public static void RefuseWritten(CageStore store, CageRecord record)
    {
        string real = RealPath(record.RootPath);
        RefuseMounted(record, record.RootPath, real, Overlays(), Undefined);
        if (!MountHolders.IsBeneath(real, record.Path)) RefuseRunning(store, record, record.RootPath, real, Undefined);
    }

    private const string Destroyed = "an upper mounted twice is destroyed", Undefined = "what is seen of a layer that somebody writes to is undefined";

    private static MountEntry[] Overlays() => [.. MountTable.Read().Where(mount => mount.Type == "overlay")];

    private static void RefuseMounted(CageRecord record, string own, string real, MountEntry[] overlays, string why)
    {
        foreach (MountEntry mount in overlays)
            if (mount.SuperOption("upperdir").Concat(mount.SuperOption("workdir")).Any(other => HasName(other) && (other == own || RealPath(other) == real)))
                throw Used(record, own, $"by the overlay on {mount.MountPoint}", why);
    }

    private static void RefuseRunning(CageStore store, CageRecord record, string own, string real, string why)
    {
        foreach (CageRecord other in store.ReadAll())
            if (other.Id != record.Id && other.Kind == CageKind.Writable && (RealPath(other.RootPath) == real || RealPath(other.WorkPath) == real) &&
                CageInfo.Of(store.Settings, other).State != CageState.Stopped)
                throw Used(record, own, $"by \"{other.Name}\" ({other.Id}), which runs", why);
    }

    private static CageException Used(CageRecord record, string own, string by, string why) => StartCheck.Problem(
        record, $"its {(own == record.RootPath ? "upper" : "work folder")} {own} is in use {by} (EBUSY)", $"Stop that one first: {why}.");

    /// <summary>Whether the kernel names it by a path that is the same for every reader.</summary>
    private static bool HasName(string path) => path.StartsWith('/') && !path.StartsWith("/proc/", StringComparison.Ordinal);

    private static string RealPath(string path)
    {
        using Descriptor? directory = Files.TryOpen(path, Files.O_PATH | Files.O_DIRECTORY);
        return directory is null ? path : Files.ReadLink(directory.ProcPath) ?? path;
    }
}
