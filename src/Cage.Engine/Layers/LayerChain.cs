using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Layers;

/// <summary>The read-only layers below a cage: bases of bases included, each once and below all that need it.</summary>
public sealed class LayerChain : IDisposable
{
    /// <summary>As many lowerdirs as overlayfs takes (OVL_MAX_STACK, fs/overlayfs/params.h).</summary>
    public const int Limit = 500;

    private LayerChain(IReadOnlyList<CageRecord> records, IReadOnlyList<Descriptor> directories, bool isPinned)
    {
        Records = records;
        Directories = directories;
        IsPinned = isPinned;
        string[] roots = new string[records.Count];
        for (int i = 0; i < roots.Length; i++) roots[i] = records[i].RootPath;
        Roots = roots;
    }

    /// <summary>The cages, the topmost first.</summary>
    public IReadOnlyList<CageRecord> Records { get; }

    /// <summary>Their directories.</summary>
    public IReadOnlyList<string> Roots { get; }

    /// <summary>The same, open (O_PATH); none where they were not to be held.</summary>
    internal IReadOnlyList<Descriptor> Directories { get; }

    /// <summary>Whether these layers will be the same at the next start: neither the nil UUID, whose files follow the newest snapshot, nor a live tree is among them.</summary>
    public bool IsPinned { get; }

    /// <summary>The layers below a cage with these bases.</summary>
    /// <param name="store">Where they are.</param>
    /// <param name="bases">The ids that it names, the topmost first.</param>
    /// <param name="owner">The cage that names them, for messages; null for one that is not stored.</param>
    /// <exception cref="CageException">CageConfInvalid: missing, writable, cyclic, or more than 500; with the path of ids that leads there.
    /// CageMountFailed: overlayfs would refuse them.</exception>
    public static LayerChain Resolve(CageStore store, IReadOnlyList<Guid> bases, CageRecord? owner = null) => Resolve(store, bases, owner, hold: false);

    /// <summary>As <see cref="Resolve(CageStore, IReadOnlyList{Guid}, CageRecord?)"/>, and holds their directories open until it is disposed.</summary>
    internal static LayerChain Open(CageStore store, IReadOnlyList<Guid> bases, CageRecord owner) => Resolve(store, bases, owner, hold: true);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Descriptor directory in Directories) directory.Dispose();
    }

    private static LayerChain Resolve(CageStore store, IReadOnlyList<Guid> bases, CageRecord? owner, bool hold)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(bases);
        using Descriptor? data = Files.TryOpen(store.Settings.Data, Files.O_PATH | Files.O_DIRECTORY);
        Walk walk = new(store, owner?.Name, data, hold);
        try
        {
            for (int i = bases.Count - 1; i >= 0; i--) walk.Visit(bases[i], owner);
            walk.Order.Reverse();
            LayerPlaces.Refuse(store.Settings, walk.Order, walk.Linked);
            return new LayerChain(walk.Order, hold ? [.. walk.Order.Select(layer => walk.Held[layer.Id])] : [], !walk.Linked.Exists(layer => layer.Id == CageRecord.Nil || layer.IsLive));
        }
        catch
        {
            foreach (Descriptor directory in walk.Held.Values) directory.Dispose();
            throw;
        }
    }

    /// <summary>Depth first, the last base first: the reverse of that order has each layer above what it needs, and earlier bases above later ones.</summary>
    private sealed class Walk(CageStore store, string? owner, Descriptor? data, bool hold)
    {
        private readonly Dictionary<Guid, bool> _done = [];
        private readonly List<Guid> _path = [];

        public List<CageRecord> Order { get; } = [];

        /// <summary>Their directories, where they are to be held.</summary>
        public Dictionary<Guid, Descriptor> Held { get; } = [];

        /// <summary>Those whose files are elsewhere, behind a symbolic link.</summary>
        public List<CageRecord> Linked { get; } = [];

        public void Visit(Guid id, CageRecord? neededBy)
        {
            if (_done.TryGetValue(id, out bool done))
            {
                if (done) return;
                throw Invalid(neededBy, id, "leads back to itself (a cycle)");
            }
            if (_path.Count >= Limit) throw TooMany();
            if (data is null || store.GetLayer(id, data) is not CageRecord record)
                throw Invalid(neededBy, id, store.Get(id, CageKind.Writable) is null ? "is not in the store" : "is writable, and a base must be read-only");
            Descriptor directory = Open(record) ?? throw Invalid(neededBy, id, $"has no directory {record.RootPath} (ENOENT)");
            if (hold) Held[id] = directory;
            else directory.Dispose();
            _done[id] = false;
            _path.Add(id);
            for (int i = record.Base.Count - 1; i >= 0; i--) Visit(record.Base[i], record);
            _path.RemoveAt(_path.Count - 1);
            _done[id] = true;
            if (Order.Count >= Limit) throw TooMany();
            Order.Add(record);
        }

        /// <summary>Its directory; null where there is none. One that is elsewhere is noted.</summary>
        private Descriptor? Open(CageRecord record)
        {
            string root = $"{Path.GetFileName(record.Path)}/{record.Root}";
            if (Files.TryOpenAt(data, root, Files.O_PATH | Files.O_DIRECTORY | Files.O_NOFOLLOW) is Descriptor own) return own;
            if (Files.Status(record.RootPath) is { IsLink: true }) Linked.Add(record);
            return Files.TryOpenAt(data, root, Files.O_PATH | Files.O_DIRECTORY);
        }

        private CageException Invalid(CageRecord? neededBy, Guid id, string what)
        {
            string message = _path.Count == 0 ? $"{id} {what}" : $"{id} {what}; reached by {string.Join(" -> ", _path.Append(id))}";
            return neededBy is null
                ? new CageException(CageError.CageConfInvalid, $"base {message}.", target: id.ToString())
                : ConfFile.Read(neededBy.ConfPath).Invalid("base", message, advice: "Restore it, or name other bases there (Set-Cage -Base).");
        }

        private CageException TooMany() => new(
            CageError.CageConfInvalid, $"\"{owner ?? "run"}\" has more than {Limit} layers, as many as overlayfs takes.", "Copy some of them together into one.", owner);
    }
}
