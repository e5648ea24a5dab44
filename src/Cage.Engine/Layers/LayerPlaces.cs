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
    public static void Refuse(StoreSettings settings, IReadOnlyList<Layer> layers)
    {
        List<Place> places = [];
        List<CageRecord> own = [];
        foreach (Layer layer in layers)
        {
            if (layer.IsLinked) places.Add(Place.Of(layer.Record, layer.Record.RootPath));
            else own.Add(layer.Record);
        }
        foreach (Place place in places)
            if (place.IsOverlay) OverlayDepth.Refuse(place.Record, place.Path);
        if (own.Count > 0)
        {
            Place store = Place.Of(own[0], settings.Data);
            if (store.IsOverlay) OverlayDepth.Refuse(store.Record, store.Path);
            foreach (Place place in places)
                if (place.Device == store.Device) RefuseBeside(own, store, place);
        }
        if (places.Count < 2) return;
        // Sorted with a slash at their ends, what lies in one follows it at once.
        places.Sort((a, b) => a.Device != b.Device ? a.Device.CompareTo(b.Device) : string.CompareOrdinal(a.Prefix, b.Prefix));
        for (int i = 1; i < places.Count; i++)
            if (places[i - 1].Device == places[i].Device && places[i - 1].Holds(places[i])) throw Overlap(places[i], places[i - 1]);
    }

    /// <summary>What is linked to may hold the whole store, hold one of the store's own, or lie in one.</summary>
    private static void RefuseBeside(List<CageRecord> own, Place store, Place linked)
    {
        if (!linked.Holds(store) && !store.Holds(linked)) return;
        foreach (CageRecord layer in own)
        {
            Place place = new(layer, layer.RootPath, store.Device, IsOverlay: false);
            if (linked.Holds(place)) throw Overlap(place, linked);
            if (place.Holds(linked)) throw Overlap(linked, place);
        }
    }

    private static CageException Overlap(Place inner, Place outer)
    {
        string live = outer.Path == "/" ? " (the live host)" : "";
        return new CageException(
            CageError.CageMountFailed,
            $"\"{inner.Record.Name}\" at {inner.Path} lies in \"{outer.Record.Name}\" at {outer.Path}{live}: overlayfs refuses overlapping layers (ELOOP).",
            "Use a snapshot or copy in place of the outer one, or put the inner one on another file system.",
            inner.Record.Name);
    }

    /// <summary>Where a layer's files really are.</summary>
    private sealed record Place(CageRecord Record, string Path, ulong Device, bool IsOverlay)
    {
        public string Prefix { get; } = Path == "/" ? "/" : Path + "/";

        public bool Holds(Place other) => other.Prefix.StartsWith(Prefix, StringComparison.Ordinal);

        public static Place Of(CageRecord record, string path)
        {
            using Descriptor directory = Files.Open(path, Files.O_PATH | Files.O_DIRECTORY);
            return new(record, Files.ReadLink(directory.ProcPath) ?? record.RootPath, Files.Status(directory).Device, Files.FileSystemType(directory) == Files.OVERLAYFS_SUPER_MAGIC);
        }
    }
}
