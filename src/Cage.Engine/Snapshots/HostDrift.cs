using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Snapshots;

/// <summary>A cage over the nil UUID gets other files below its own when that moves on to a newer snapshot: undefined behaviour (overlayfs.rst). [004]</summary>
internal static class HostDrift
{
    /// <summary>Notes at the first start where the nil UUID leads; says so later when it leads elsewhere.</summary>
    /// <returns>The cage as it is written now.</returns>
    public static CageRecord Check(CageStore store, CageRecord record, IReadOnlyList<CageRecord> layers, Action<string>? warn)
    {
        if (!layers.Any(layer => layer.Id == CageRecord.Nil) || HostLink.Target(store) is not string now) return record;
        if (record.HostRoot is null)
        {
            record = record with { HostRoot = now };
            CageStore.Write(record);
        }
        else if (record.HostRoot != now)
        {
            warn?.Invoke(
                $"\"{record.Name}\" was first started over {record.HostRoot}, and the host's snapshot is {now} now: what overlayfs shows where both differ is undefined. " +
                "Base it on the one or the other (--base host pins the newest) in place of the nil UUID.");
        }
        return record;
    }
}
