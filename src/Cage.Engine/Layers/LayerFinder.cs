using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Layers;

/// <summary>Finds layers by their ids. Where a cage names many, another thread begins with these at once: to read one takes more than half as long as
/// the kernel takes to mount it, which is done meanwhile (<see cref="Plans.OverlayGuess"/>).</summary>
internal sealed class LayerFinder : IDisposable
{
    /// <summary>Fewer are found while the init, which needs the other of two processors, comes up.</summary>
    private const int Many = 96;

    private readonly CageStore _store;
    private readonly Descriptor? _folder;
    private readonly Guid[] _named;
    private readonly Layer?[] _found;
    private readonly Task? _ahead;
    private int _taken = -1;
    private Dictionary<Guid, Layer>? _ready;

    /// <param name="store">Where they are.</param>
    /// <param name="named">Those that will be asked for in any case.</param>
    public LayerFinder(CageStore store, IReadOnlyList<Guid> named)
    {
        _store = store;
        _folder = Files.TryOpen(store.Settings.Data, Files.O_PATH | Files.O_DIRECTORY);
        _named = _folder is null || !AreMany(named) ? [] : [.. named];
        _found = new Layer?[_named.Length];
        if (_named.Length > 0) _ahead = Task.Run(FindNamed);
    }

    /// <summary>Whether a cage that names these has many layers, and no more than there can be.</summary>
    public static bool AreMany(IReadOnlyList<Guid> named) => named.Count is >= Many and <= LayerChain.Limit;

    /// <summary>The layer; null where there is no such read-only cage.</summary>
    /// <exception cref="CageException">CageConfInvalid, CageStoreFailed: its cage.conf cannot be read.</exception>
    public Layer? Find(Guid id)
    {
        _ready ??= TakeNamed();
        return _ready.TryGetValue(id, out Layer? ready) ? ready : Read(id);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Interlocked.Exchange(ref _taken, _named.Length);
        _ahead?.Wait();
        _folder?.Dispose();
    }

    private Layer? Read(Guid id) => _folder is null ? null : Layer.Read(_store, _folder, id);

    /// <summary>What was found ahead, with the help of the calling thread for what is left of it.</summary>
    private Dictionary<Guid, Layer> TakeNamed()
    {
        FindNamed();
        // Where the other thread has not begun, this one does its nothing.
        _ahead?.Wait();
        Dictionary<Guid, Layer> ready = new(_found.Length);
        foreach (Layer? layer in _found)
            if (layer is not null) ready[layer.Record.Id] = layer;
        return ready;
    }

    private void FindNamed()
    {
        for (int i = Interlocked.Increment(ref _taken); i < _named.Length; i = Interlocked.Increment(ref _taken))
        {
            try
            {
                _found[i] = Read(_named[i]);
            }
            catch (Exception e) when (e is CageException or LinuxException)
            {
                // Whoever asks for it is told, with the way that leads to it.
            }
        }
    }
}
