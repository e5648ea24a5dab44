using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Layers;

/// <summary>The read-only layers below a cage: bases of bases included, each once and below all that need it.</summary>
public static class LayerChain
{
    /// <summary>As many lowerdirs as overlayfs takes (OVL_MAX_STACK, fs/overlayfs/params.h).</summary>
    public const int Limit = 500;

    /// <summary>The cages below one with these bases, the topmost first.</summary>
    /// <param name="store">Where they are.</param>
    /// <param name="bases">The ids that it names, the topmost first.</param>
    /// <param name="owner">The cage that names them, for messages; null for one that is not stored.</param>
    /// <exception cref="CageException">CageConfInvalid: missing, writable, cyclic, or more than 500; with the path of ids that leads there.</exception>
    public static IReadOnlyList<CageRecord> Resolve(CageStore store, IReadOnlyList<Guid> bases, CageRecord? owner = null)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(bases);
        Walk walk = new(store);
        for (int i = bases.Count - 1; i >= 0; i--) walk.Visit(bases[i], owner);
        walk.Order.Reverse();
        return walk.Order;
    }

    /// <summary>Refuses layers that overlayfs would refuse: one lies in another on the same file system (ELOOP), or lies on too many overlays (EINVAL).</summary>
    /// <exception cref="CageException">CageMountFailed with what to do.</exception>
    public static void Refuse(IReadOnlyList<CageRecord> layers)
    {
        ArgumentNullException.ThrowIfNull(layers);
        Place[] places = [.. layers.Select(Place.Of)];
        foreach (Place place in places)
            if (place.IsOverlay) OverlayDepth.Refuse(place.Record, place.Path);
        if (places.Length < 2) return;
        // Sorted with a slash at their ends, what lies in one follows it at once.
        Array.Sort(places, (a, b) => a.Device != b.Device ? a.Device.CompareTo(b.Device) : string.CompareOrdinal(a.Prefix, b.Prefix));
        for (int i = 1; i < places.Length; i++)
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

    /// <summary>Whether these layers will be the same at the next start: neither the nil UUID, whose files follow the newest snapshot, nor a live tree is among them.</summary>
    public static bool IsPinned(IReadOnlyList<CageRecord> layers)
    {
        ArgumentNullException.ThrowIfNull(layers);
        return !layers.Any(layer => layer.Id == CageRecord.Nil || layer.IsLive);
    }

    /// <summary>Where a layer's files really are.</summary>
    private sealed record Place(CageRecord Record, string Path, ulong Device, bool IsOverlay)
    {
        public string Prefix { get; } = Path == "/" ? "/" : Path + "/";

        public static Place Of(CageRecord record)
        {
            using Descriptor directory = Files.Open(record.RootPath, Files.O_PATH | Files.O_DIRECTORY);
            return new Place(
                record, Files.ReadLink(directory.ProcPath) ?? record.RootPath, Files.Status(directory).Device, Files.FileSystemType(directory.ProcPath) == Files.OVERLAYFS_SUPER_MAGIC);
        }
    }

    /// <summary>Depth first, the last base first: the reverse of that order has each layer above what it needs, and earlier bases above later ones.</summary>
    private sealed class Walk(CageStore store)
    {
        private readonly Dictionary<Guid, bool> _done = [];
        private readonly List<Guid> _path = [];

        public List<CageRecord> Order { get; } = [];

        public void Visit(Guid id, CageRecord? neededBy)
        {
            if (_done.TryGetValue(id, out bool done))
            {
                if (done) return;
                throw Invalid(neededBy, id, "leads back to itself (a cycle)");
            }
            if (_path.Count >= Limit) throw TooMany(neededBy);
            if (store.Get(id, CageKind.ReadOnly) is not CageRecord record)
                throw Invalid(neededBy, id, store.Get(id, CageKind.Writable) is null ? "is not in the store" : "is writable, and a base must be read-only");
            if (Files.StatusFollowed(record.RootPath) is not { IsDirectory: true }) throw Invalid(neededBy, id, $"has no directory {record.RootPath} (ENOENT)");
            _done[id] = false;
            _path.Add(id);
            for (int i = record.Base.Count - 1; i >= 0; i--) Visit(record.Base[i], record);
            _path.RemoveAt(_path.Count - 1);
            _done[id] = true;
            if (Order.Count >= Limit) throw TooMany(neededBy);
            Order.Add(record);
        }

        private CageException Invalid(CageRecord? neededBy, Guid id, string what)
        {
            string path = string.Join(" -> ", _path.Append(id));
            string message = $"{id} {what}; reached by {path}";
            return neededBy is null
                ? new CageException(CageError.CageConfInvalid, $"base {message}.", target: id.ToString())
                : ConfFile.Read(neededBy.ConfPath).Invalid("base", message);
        }

        private static CageException TooMany(CageRecord? neededBy) => new(
            CageError.CageConfInvalid, $"More than {Limit} layers, as many as overlayfs takes.", "Copy some of them together into one.", neededBy?.Name);
    }
}
