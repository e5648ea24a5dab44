using Cage.Engine.Layers;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Snapshots;

/// <summary>A cage over the nil UUID gets other files below its own when that moves on to a newer snapshot: undefined behaviour (overlayfs.rst). So where it
/// led at the first start is noted, as a link in the cage's folder. [004]</summary>
internal static class HostDrift
{
    private const string Note = "hostroot";

    /// <summary>Notes at the first start where the nil UUID leads; says so later when it leads elsewhere.</summary>
    public static void Check(CageStore store, CageRecord record, IReadOnlyList<CageRecord> layers, Action<string>? warn)
    {
        if (!layers.Any(layer => layer.Id == CageRecord.Nil) || HostLink.Target(store) is not string now) return;
        using Descriptor folder = Files.Open(record.Path, Files.O_RDONLY | Files.O_DIRECTORY);
        if (Files.ReadLinkAt(folder, Note) is not string first) Files.MakeLinkAt(folder, Note, now);
        else if (first != now) warn?.Invoke(Describe(record, first, now));
    }

    /// <summary>Where it leads elsewhere than at the first start, in words; null where it does not, or the cage is not over it. It writes nothing.</summary>
    /// <exception cref="CageException">The bases of the cage are broken.</exception>
    public static string? Find(CageStore store, CageRecord record)
    {
        if (record.Kind != CageKind.Writable || Files.ReadLink($"{record.Path}/{Note}") is not string first) return null;
        if (HostLink.Target(store) is not string now || now == first) return null;
        return LayerChain.Resolve(store, record.Base, record).Records.Any(layer => layer.Id == CageRecord.Nil) ? Describe(record, first, now) : null;
    }

    /// <summary>Takes the note away.</summary>
    public static void Forget(CageRecord record) => Files.Unlink($"{record.Path}/{Note}");

    private static string Describe(CageRecord record, string first, string now) =>
        $"\"{record.Name}\" was first started over {first}, and the host's snapshot is {now} now: what overlayfs shows where both differ is undefined. " +
        $"Base it on the one or the other ({Face.Call("--base", "-Base")} host pins the newest) in place of the nil UUID.";
}
