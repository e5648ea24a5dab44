using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Layers;

/// <summary>The read-only layers below a cage: bases of bases included, each once and below all that need it.</summary>
public sealed class LayerChain
{
    /// <summary>As many lowerdirs as overlayfs takes (OVL_MAX_STACK, fs/overlayfs/params.h).</summary>
    public const int Limit = 500;

    private LayerChain(List<Layer> layers)
    {
        CageRecord[] records = new CageRecord[layers.Count];
        string[] roots = new string[layers.Count];
        for (int i = 0; i < records.Length; i++) (records[i], roots[i]) = (layers[i].Record, layers[i].Record.RootPath);
        (Records, Roots) = (records, roots);
        IsPinned = !layers.Any(layer => layer.IsLinked && (layer.Record.Id == CageRecord.Nil || layer.Record.IsLive));
    }

    /// <summary>The cages, the topmost first.</summary>
    public IReadOnlyList<CageRecord> Records { get; }

    /// <summary>Their directories.</summary>
    public IReadOnlyList<string> Roots { get; }

    /// <summary>Whether these layers will be the same at the next start: neither the nil UUID, whose files follow the newest snapshot, nor a live tree is among them.</summary>
    public bool IsPinned { get; }

    /// <summary>The layers below a cage with these bases.</summary>
    /// <param name="store">Where they are.</param>
    /// <param name="bases">The ids that it names, the topmost first.</param>
    /// <param name="owner">The cage that names them, for messages; null for one that is not stored.</param>
    /// <exception cref="CageException">CageConfInvalid: missing, writable, cyclic, or more than 500; with the path of ids that leads there.
    /// CageMountFailed: overlayfs would refuse them.</exception>
    public static LayerChain Resolve(CageStore store, IReadOnlyList<Guid> bases, CageRecord? owner = null)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(bases);
        using LayerFinder finder = new(store, bases);
        return Resolve(finder, store, bases, owner);
    }

    /// <summary>As the other, with what <paramref name="finder"/> has found already.</summary>
    internal static LayerChain Resolve(LayerFinder finder, CageStore store, IReadOnlyList<Guid> bases, CageRecord? owner)
    {
        Walk walk = new(finder, store, owner?.Name);
        for (int i = bases.Count - 1; i >= 0; i--) walk.Visit(bases[i], owner);
        walk.Order.Reverse();
        LayerPlaces.Refuse(store.Settings, walk.Order);
        return new LayerChain(walk.Order);
    }

    /// <summary>Depth first, the last base first: the reverse of that order has each layer above what it needs, and earlier bases above later ones.</summary>
    private sealed class Walk(LayerFinder finder, CageStore store, string? owner)
    {
        private readonly Dictionary<Guid, bool> _done = [];
        private readonly List<Guid> _path = [];

        public List<Layer> Order { get; } = [];

        public void Visit(Guid id, CageRecord? neededBy)
        {
            if (_done.TryGetValue(id, out bool done))
            {
                if (done) return;
                throw Invalid(neededBy, id, "leads back to itself (a cycle)");
            }
            if (_path.Count >= Limit) throw TooMany();
            Layer layer = finder.Find(id) ??
                throw Invalid(neededBy, id, store.Get(id, CageKind.Writable) is null ? "is not in the store" : "is writable, and a base must be read-only");
            if (!layer.IsThere) throw Invalid(neededBy, id, $"has no directory {layer.Record.RootPath} (ENOENT)");
            _done[id] = false;
            _path.Add(id);
            for (int i = layer.Record.Base.Count - 1; i >= 0; i--) Visit(layer.Record.Base[i], layer.Record);
            _path.RemoveAt(_path.Count - 1);
            _done[id] = true;
            if (Order.Count >= Limit) throw TooMany();
            Order.Add(layer);
        }

        private CageException Invalid(CageRecord? neededBy, Guid id, string what)
        {
            string message = _path.Count == 0 ? $"{id} {what}" : $"{id} {what}; reached by {string.Join(" -> ", _path.Append(id))}";
            return neededBy is null
                ? new CageException(CageError.CageConfInvalid, $"base {message}.", target: id.ToString())
                : ConfFile.Read(neededBy.ConfPath).Invalid("base", message, advice: $"Restore it, or name other bases there ({Face.Call("cage set --base", "Set-Cage -Base")}).");
        }

        private CageException TooMany() => new(
            CageError.CageConfInvalid, $"\"{owner ?? "run"}\" has more than {Limit} layers, as many as overlayfs takes.", "Copy some of them together into one.", owner);
    }
}
