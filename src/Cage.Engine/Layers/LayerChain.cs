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

    /// <summary>Refuses layers that overlayfs would refuse as overlapping (ELOOP): one lies in another, on the same file system.</summary>
    /// <exception cref="CageException">CageMountFailed with what to do.</exception>
    public static void RefuseOverlap(IReadOnlyList<CageRecord> layers)
    {
        ArgumentNullException.ThrowIfNull(layers);
        if (layers.Count < 2) return;
        (CageRecord Record, string Path, ulong Device)[] places = [.. layers.Select(Place)];
        foreach (var outer in places)
            foreach (var inner in places)
            {
                if (outer.Record == inner.Record || outer.Device != inner.Device) continue;
                string prefix = outer.Path == "/" ? "/" : outer.Path + "/";
                if (inner.Path != outer.Path && !inner.Path.StartsWith(prefix, StringComparison.Ordinal)) continue;
                string live = outer.Path == "/" ? " (the live host)" : "";
                throw new CageException(
                    CageError.CageMountFailed,
                    $"\"{inner.Record.Name}\" at {inner.Path} lies in \"{outer.Record.Name}\" at {outer.Path}{live}: overlayfs refuses overlapping layers (ELOOP).",
                    "Use a snapshot or copy in place of the outer one, or put the inner one on another file system.",
                    inner.Record.Name);
            }
    }

    private static (CageRecord Record, string Path, ulong Device) Place(CageRecord record)
    {
        using Descriptor directory = Files.Open(record.RootPath, Files.O_PATH | Files.O_DIRECTORY);
        return (record, Files.ReadLink(directory.ProcPath) ?? record.RootPath, Files.Status(directory).Device);
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
