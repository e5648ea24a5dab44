using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Layers;

/// <summary>A read-only cage of the store, found to be a layer.</summary>
/// <param name="Record">What its cage.conf says.</param>
/// <param name="IsThere">Whether it has a directory of files.</param>
/// <param name="IsLinked">Whether they are elsewhere, behind a symbolic link.</param>
internal sealed record Layer(CageRecord Record, bool IsThere, bool IsLinked)
{
    /// <summary>Reads it, below the folder of cages; null where that has no such read-only cage.</summary>
    /// <exception cref="CageException">CageConfInvalid, CageStoreFailed: its cage.conf cannot be read.</exception>
    public static Layer? Read(CageStore store, Descriptor folder, Guid id)
    {
        if (store.GetLayer(id, folder) is not CageRecord record) return null;
        string root = $"{Path.GetFileName(record.Path.AsSpan())}/{record.Root}";
        FileStatus? status = Files.StatusAt(folder, root);
        if (status is not { IsLink: true }) return new Layer(record, status is { IsDirectory: true }, IsLinked: false);
        using Descriptor? target = Files.TryOpenAt(folder, root, Files.O_PATH | Files.O_DIRECTORY);
        return new Layer(record, target is not null, IsLinked: true);
    }
}
