using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Layers;

/// <summary>Refuses layers that overlayfs would refuse: one lies in another on the same file system (ELOOP), or on too many overlays (EINVAL).
/// Plain directories of the store lie apart; only what a symbolic link leads to has to be looked for.</summary>
internal static class LayerPlaces
{
    /// <exception cref="CageException">CageMountFailed with what to do.</exception>
    /// <param name="settings">Where the store is.</param>
    /// <param name="layers">All of them.</param>
    /// <param name="linked">Those whose root is a symbolic link.</param>
    public static void Refuse(StoreSettings settings, IReadOnlyList<CageRecord> layers, IReadOnlyList<CageRecord> linked)
    {
        if (layers.Count == 0) return;
        List<Place> places = [.. linked.Select(layer => Place.Of(layer, layer.RootPath))];
        HashSet<CageRecord> elsewhere = new(linked, ReferenceEqualityComparer.Instance);
        if (layers.FirstOrDefault(layer => !elsewhere.Contains(layer)) is CageRecord plain) places.Add(Place.Of(plain, settings.Data));
        foreach (Place place in places)
            if (place.IsOverlay) OverlayDepth.Refuse(place.Record, place.Path);
        if (linked.Count == 0 || layers.Count < 2) return;
        if (layers.Count > linked.Count)
        {
            ulong store = places[^1].Device;
            places.RemoveAt(places.Count - 1);
            foreach (CageRecord layer in layers)
                if (!elsewhere.Contains(layer)) places.Add(new Place(layer, layer.RootPath, store, IsOverlay: false));
        }
        // Sorted with a slash at their ends, what lies in one follows it at once.
        places.Sort((a, b) => a.Device != b.Device ? a.Device.CompareTo(b.Device) : string.CompareOrdinal(a.Prefix, b.Prefix));
        for (int i = 1; i < places.Count; i++)
        {
            Place outer = places[i - 1], inner = places[i];
            if (outer.Device != inner.Device || !inner.Prefix.StartsWith(outer.Prefix, StringComparison.Ordinal)) continue;
            string live = outer.Path == "/" ? " (the live host)" : "";
            throw new CageException(
                CageError.CageMountFailed,
                $"\"{inner.Record.Name}\" at {inner.Path} lies in \"{outer.Record.Name}\" at {outer.Path}{live}: overlayfs refuses overlapping layers (ELOOP).",
                "Use a snapshot or copy in place of the outer one, or put the inner one on another file system.",
                inner.Record.Name);
        }
    }

    /// <summary>Where a layer's files really are.</summary>
    private sealed record Place(CageRecord Record, string Path, ulong Device, bool IsOverlay)
    {
        public string Prefix { get; } = Path == "/" ? "/" : Path + "/";

        public static Place Of(CageRecord record, string path)
        {
            using Descriptor directory = Files.Open(path, Files.O_PATH | Files.O_DIRECTORY);
            return new Place(
                record, Files.ReadLink(directory.ProcPath) ?? path, Files.Status(directory).Device, Files.FileSystemType(directory.ProcPath) == Files.OVERLAYFS_SUPER_MAGIC);
        }
    }
}
