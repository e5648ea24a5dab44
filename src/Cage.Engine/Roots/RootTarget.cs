using Cage.Engine.Layers;
using Cage.Engine.Plans;
using Cage.Engine.Runtime;
using Cage.Engine.Snapshots;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Roots;

/// <summary>Opens a cage's root to be changed. One that runs is changed as it is seen inside; the upper of one that is stopped through an overlay of its own that is mounted
/// nowhere: written to directly, a folder that its layers have too would hide theirs, and a link could take the place of one.</summary>
internal static class RootTarget
{
    /// <summary>The root, until the result is closed. The caller has the cage's lock.</summary>
    /// <exception cref="CageException">It is a layer that is in use, or belongs to somebody else.</exception>
    public static Descriptor Open(CageStore store, CageRecord record, Action<string> warn)
    {
        CageInfo cage = CageInfo.Of(store.Settings, record);
        if (record.Kind == CageKind.ReadOnly)
        {
            RefuseLayer(store, record);
            return OpenFolder(record.RootPath);
        }
        if (cage.State != CageState.Stopped && record.Privileges.UserNamespace is not null)
            throw new CageException(
                CageError.CageAlreadyRunning, $"\"{record.Name}\" runs with a user namespace: from outside its files cannot be given owners that it knows.", "Stop it first.", record.Name);
        if (cage.State != CageState.Stopped) return CommandStarter.OpenRoot(cage);
        if (record.Base.Count == 0) return OpenFolder(record.RootPath);
        LayerChain layers = LayerChain.Resolve(store, record.Base, record);
        StartCheck.Refuse(record);
        StartCheck.RefuseUpper(store, record);
        HostDrift.Check(store, record, layers.Records, warn);
        try
        {
            return new MountOverlay(layers.Roots, record.RootPath, record.WorkPath, record.MountPath, layers.IsPinned).MakeDetached();
        }
        catch (LinuxException e)
        {
            throw new CageException(
                CageError.CageMountFailed, $"The root of \"{record.Name}\" cannot be mounted to be changed: {e.Message}.", null, record.Name, e);
        }
    }

    /// <summary>As <see cref="Open"/>, to look only: nothing can be written.</summary>
    public static Descriptor OpenToRead(CageStore store, CageRecord record)
    {
        if (record.Kind == CageKind.Writable && CageInfo.Of(store.Settings, record) is { State: not CageState.Stopped } cage) return CommandStarter.OpenRoot(cage);
        LayerChain layers = LayerChain.Resolve(store, record.Base, record);
        if (layers.Roots.Count == 0) return OpenFolder(record.RootPath);
        return new MountOverlay([record.RootPath, .. layers.Roots], null, null, record.MountPath).MakeDetached();
    }

    private static Descriptor OpenFolder(string path)
    {
        try
        {
            return Files.Open(path, Files.O_RDONLY | Files.O_DIRECTORY);
        }
        catch (LinuxException e)
        {
            throw CageException.Store("Opening", path, e);
        }
    }

    private static void RefuseLayer(CageStore store, CageRecord record)
    {
        if (Files.Status(record.RootPath) is not { IsDirectory: true })
            throw new CageException(
                CageError.CageArgumentInvalid, $"The files of \"{record.Name}\" are not its own: its root is a link to {Files.ReadLink(record.RootPath)}.", "Add to a cage over it.", record.Name);
        foreach (CageRecord other in store.ReadAll())
        {
            if (other.Kind != CageKind.Writable || CageInfo.Of(store.Settings, other).State == CageState.Stopped) continue;
            if (LayerChain.Resolve(store, other.Base, other).Records.Any(layer => layer.Id == record.Id))
                throw new CageException(CageError.CageBusy, $"\"{record.Name}\" is a layer of \"{other.Name}\", which runs: overlayfs allows no change of it now.", "Stop that first.", record.Name);
        }
    }
}
