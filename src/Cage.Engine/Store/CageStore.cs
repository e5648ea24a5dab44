using System.Buffers;
using Cage.Interop;

namespace Cage.Engine.Store;

/// <summary>The folder of cages: finding, reading and changing them. Making is <see cref="CageMaker"/>'s, removing <see cref="CageRemover"/>'s. [004]</summary>
public sealed class CageStore(StoreSettings settings)
{
    private static readonly SearchValues<char> _idCharacters = SearchValues.Create("0123456789abcdefABCDEF-");

    /// <summary>Where things are. The folder of cages is named without symbolic links, as the kernel names it in its mount table.</summary>
    public StoreSettings Settings { get; } = Resolve(settings);

    /// <summary>The folder that the cage has, or would have.</summary>
    public string PathOf(Guid id, CageKind kind) => $"{Settings.Data}/{CageRecord.FolderName(id, kind)}";

    /// <summary>All cages that can be read, by name; each that cannot is told to <paramref name="broken"/> and does not hide the rest.</summary>
    /// <exception cref="CageException">CageStoreFailed: the folder itself cannot be read. One that is not there yet is empty.</exception>
    public IReadOnlyList<CageRecord> ReadAll(Action<CageException>? broken = null)
    {
        List<CageRecord> records = [];
        foreach (string path in Folders())
        {
            try
            {
                records.Add(CageRecord.Read(path));
            }
            catch (CageException e)
            {
                broken?.Invoke(e);
            }
        }
        records.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name) is int order and not 0 ? order : a.Id.CompareTo(b.Id));
        return records;
    }

    /// <summary>The one cage that <paramref name="selector"/> means: an id, a name, or the beginning of one id alone.</summary>
    /// <exception cref="CageException">CageNotFound; CageAmbiguous with the ids; CageConfInvalid when it is the one that is broken.</exception>
    public CageRecord Find(string selector)
    {
        IReadOnlyList<CageRecord> found = FindAll(selector);
        if (found.Count == 1) return found[0];
        if (found.Count == 0) throw NotFound(selector);
        throw Ambiguous(selector, [.. found.Select(record => $"{record.Id}")]);
    }

    /// <summary>All cages that <paramref name="selector"/> may mean; see <see cref="Find"/>.</summary>
    /// <exception cref="CageException">CageConfInvalid: it is the one that is broken. CageAmbiguous: a broken one is among those that it may mean.</exception>
    public IReadOnlyList<CageRecord> FindAll(string selector)
    {
        if (Guid.TryParseExact(selector, "D", out Guid id)) return Get(id) is CageRecord exact ? [exact] : [];
        List<CageException> broken = [];
        IReadOnlyList<CageRecord> all = ReadAll(broken.Add);
        List<CageRecord> named = [.. all.Where(record => record.Name == selector)];
        if (named.Count > 0) return named;
        if (selector.Length == 0 || selector.AsSpan().ContainsAnyExcept(_idCharacters)) return [];
        List<CageRecord> prefixed = [.. all.Where(record => record.Id.ToString("D").StartsWith(selector, StringComparison.OrdinalIgnoreCase))];
        broken.RemoveAll(e => IdOf(e)?.StartsWith(selector, StringComparison.OrdinalIgnoreCase) != true);
        if (broken.Count == 0) return prefixed;
        // Which one is meant nobody can know: a broken one must not make it the other.
        throw broken.Count + prefixed.Count == 1
            ? broken[0]
            : Ambiguous(selector, [.. prefixed.Select(record => $"{record.Id}"), .. broken.Select(e => $"{IdOf(e)} (broken)")]);
    }

    /// <summary>The cage with that id, or null.</summary>
    /// <exception cref="CageException">CageConfInvalid when it is there and cannot be read.</exception>
    public CageRecord? Get(Guid id) =>
        Exact(id, CageKind.Writable) ?? Exact(id, CageKind.ReadOnly) ?? WrittenByHand(id, CageKind.Writable) ?? WrittenByHand(id, CageKind.ReadOnly);

    /// <summary>The cage with that id and kind, or null.</summary>
    public CageRecord? Get(Guid id, CageKind kind) => Exact(id, kind) ?? WrittenByHand(id, kind);

    /// <summary>The read-only cage with that id, or null, for one who reads many: below the folder of cages, which is open.</summary>
    internal CageRecord? GetLayer(Guid id, Descriptor data)
    {
        string folder = CageRecord.FolderName(id, CageKind.ReadOnly);
        return CageRecord.TryRead(data, folder, $"{Settings.Data}/{folder}") ?? WrittenByHand(id, CageKind.ReadOnly);
    }

    private CageRecord? Exact(Guid id, CageKind kind) => CageRecord.TryRead(PathOf(id, kind));

    /// <summary>A hand may have written it in upper case.</summary>
    private CageRecord? WrittenByHand(Guid id, CageKind kind)
    {
        string folder = CageRecord.FolderName(id, kind);
        string? found = Folders().FirstOrDefault(path => Path.GetFileName(path.AsSpan()).Equals(folder, StringComparison.OrdinalIgnoreCase));
        return found is null ? null : CageRecord.Read(found);
    }

    /// <summary>Reads the cage again, as it is now, for whoever has just taken its lock.</summary>
    public static CageRecord Refresh(CageRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        return CageRecord.Read(record.Path);
    }

    /// <summary>Writes changed values into the cage's conf; comments, order and unknown keys stay. The caller has the lock.</summary>
    /// <exception cref="CageException">CageArgumentInvalid: a value that cannot stand in a cage.conf; nothing is written then.</exception>
    public static void Write(CageRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        ConfFile file = ConfFile.Read(record.ConfPath);
        record.WriteTo(file);
        byte[] bytes = file.ToBytes();
        try
        {
            // What could not be read again is not written: the cage would be broken.
            CageRecord.From(ConfFile.Parse(record.ConfPath, bytes), record.Path);
        }
        catch (CageException e) when (e.Error == CageError.CageConfInvalid)
        {
            throw new CageException(CageError.CageArgumentInvalid, $"\"{record.Name}\" cannot be changed to that, its cage.conf would be invalid: {e.Message}", target: record.Name, inner: e);
        }
        AtomicFile.Write(record.ConfPath, bytes);
    }

    /// <summary>The folders of all cages, in no order.</summary>
    private IEnumerable<string> Folders()
    {
        if (Files.StatusFollowed(Settings.Data) is not FileStatus data) return [];
        if (!data.IsDirectory)
            throw new CageException(CageError.CageStoreFailed, $"{Settings.Data}: not a folder (ENOTDIR).", "Name another one with data= in cage.conf.", Settings.Data);
        try
        {
            return Directory.GetFileSystemEntries(Settings.Data, "*.?").Where(IsCageFolder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CageException(
                Host.EffectiveUser == 0 ? CageError.CageStoreFailed : CageError.CageRequiresRoot,
                $"Reading {Settings.Data}: {(e is UnauthorizedAccessException ? "EACCES" : e.Message)}.",
                Host.EffectiveUser == 0 ? null : "Run it as root.", Settings.Data, e);
        }
    }

    /// <summary>The way to as much of it as is there, behind all links; the rest is still to be made.</summary>
    private static StoreSettings Resolve(StoreSettings settings)
    {
        string rest = "";
        for (string path = settings.Data; path.Length > 1; path = Path.GetDirectoryName(path)!)
        {
            try
            {
                using Descriptor? folder = Files.TryOpen(path, Files.O_PATH);
                if (folder is not null) return Files.ReadLink(folder.ProcPath) is string real ? settings with { Data = real.TrimEnd('/') + rest } : settings;
            }
            catch (LinuxException)
            {
                // Whoever reads it will say what is wrong with it.
                return settings;
            }
            rest = $"/{Path.GetFileName(path)}{rest}";
        }
        return settings;
    }

    private static bool IsCageFolder(string path)
    {
        ReadOnlySpan<char> name = Path.GetFileName(path.AsSpan());
        return name.Length == 38 && (name.EndsWith(".w") || name.EndsWith(".r")) && Guid.TryParseExact(name[..36], "D", out _);
    }

    /// <summary>The id in the name of the folder whose cage.conf it is about.</summary>
    private static string? IdOf(CageException e) => e.TargetName is string path ? Path.GetFileNameWithoutExtension(Path.GetDirectoryName(path)) : null;

    /// <summary>One that cannot be read may be the one that is meant: its name is in what cannot be read.</summary>
    private CageException NotFound(string selector)
    {
        List<CageException> broken = [];
        ReadAll(broken.Add);
        string unread = broken.Count switch
        {
            0 => "",
            1 => $" that can be read; of one it cannot be told: {broken[0].Message}",
            _ => $" that can be read; of {broken.Count} it cannot be told, the first: {broken[0].Message}",
        };
        return new CageException(
            CageError.CageNotFound, $"There is no cage \"{selector}\" in {Settings.Data}{(unread.Length == 0 ? "." : unread)}", $"{Face.Call("cage list", "Get-Cage")} shows what is there.", selector);
    }

    private static CageException Ambiguous(string selector, IReadOnlyList<string> ids) => new(
        CageError.CageAmbiguous, $"\"{selector}\" fits {ids.Count} cages: {string.Join(", ", ids)}.", "Give the id of the one that is meant.", selector);
}
