using Cage.Engine;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.PowerShell;

/// <summary>What the views (module/Cage.types.ps1xml) and the operators of Cage.Pester need that no object has by itself.</summary>
public static class CageView
{
    /// <summary>The names of the cages below one; an id stands for one that cannot be read.</summary>
    public static string[] BaseNames(CageInfo cage)
    {
        ArgumentNullException.ThrowIfNull(cage);
        CageStore store = new(StoreSettings.Load());
        return [.. cage.Base.Select(id => Name(store, id))];
    }

    /// <summary>How long ago something was, as people say it: in its two largest units at most. Empty for null.</summary>
    public static string Age(DateTimeOffset? since)
    {
        if (since is not DateTimeOffset time) return "";
        TimeSpan age = DateTimeOffset.Now - time;
        return age.TotalDays >= 10 ? $"{(int)age.TotalDays}d"
            : age.TotalDays >= 1 ? $"{age.Days}d{age.Hours}h"
            : age.TotalHours >= 1 ? $"{age.Hours}h{age.Minutes}m"
            : age.TotalMinutes >= 1 ? $"{age.Minutes}m{age.Seconds}s" : $"{Math.Max(0, (int)age.TotalSeconds)}s";
    }

    /// <summary>The content of a file of a cage that runs or is read-only, as its inside sees it: no link leads out. Null when it is not there; empty for what is no file.</summary>
    public static string? ReadFile(CageInfo cage, string path)
    {
        ArgumentNullException.ThrowIfNull(cage);
        ArgumentNullException.ThrowIfNull(path);
        if (cage.RootPath is null) return null;
        using Descriptor root = Files.Open(cage.RootPath, Files.O_PATH | Files.O_DIRECTORY);
        using Descriptor? found = Files.TryOpenInRoot(root, path, Files.O_PATH);
        if (found is null) return null;
        if (!Files.Status(found).IsRegular) return "";
        using Descriptor file = Files.OpenInRoot(root, path, Files.O_RDONLY);
        return System.Text.Encoding.UTF8.GetString(Files.ReadAll(file, 64 << 20));
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
