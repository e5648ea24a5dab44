using Cage.Engine;
using Cage.Engine.State;
using Cage.Engine.Store;

namespace Cage.PowerShell;

/// <summary>What the views show that no object has by itself (module/Cage.types.ps1xml).</summary>
public static class CageView
{
    /// <summary>The names of the cages below one; an id stands for one that cannot be read.</summary>
    public static string[] BaseNames(CageInfo cage)
    {
        ArgumentNullException.ThrowIfNull(cage);
        CageStore store = new(StoreSettings.Load());
        return [.. cage.Base.Select(id => Name(store, id))];
    }

    private static string Name(CageStore store, Guid id)
    {
        try
        {
            return store.Get(id)?.Name ?? id.ToString("D");
        }
        catch (CageException)
        {
            return id.ToString("D");
        }
    }
}
