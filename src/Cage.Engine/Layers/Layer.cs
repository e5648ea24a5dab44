using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Layers;

/// <summary>A read-only cage of the store, found to be a layer.</summary>
/// <param name="Record">What its cage.conf says.</param>
/// <param name="Directory">Its files, open (O_PATH); null where there are none.</param>
/// <param name="IsLinked">Whether they are elsewhere, behind a symbolic link.</param>
internal sealed record Layer(CageRecord Record, Descriptor? Directory, bool IsLinked) : IDisposable
{
    /// <summary>Reads and opens it, below the folder of cages; null where that has no such read-only cage.</summary>
    /// <exception cref="CageException">CageConfInvalid, CageStoreFailed: its cage.conf cannot be read.</exception>
    public static Layer? Read(CageStore store, Descriptor folder, Guid id)
    {
        if (store.GetLayer(id, folder) is not CageRecord record) return null;
        string root = $"{Path.GetFileName(record.Path.AsSpan())}/{record.Root}";
        if (Files.TryOpenAt(folder, root, Files.O_PATH | Files.O_DIRECTORY | Files.O_NOFOLLOW) is Descriptor own) return new Layer(record, own, IsLinked: false);
        bool isLink = Files.StatusAt(folder, root) is { IsLink: true };
        return new Layer(record, Files.TryOpenAt(folder, root, Files.O_PATH | Files.O_DIRECTORY), isLink);
    }

    public void Dispose() => Directory?.Dispose();
}
