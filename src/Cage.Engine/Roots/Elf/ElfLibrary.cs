using Cage.Interop;

namespace Cage.Engine.Roots.Elf;

/// <summary>The ELF files of a root, each read once.</summary>
/// <param name="root">The files.</param>
/// <param name="imports">What to look for among their imports; null for nothing.</param>
internal sealed class ElfLibrary(RootView root, ElfImports? imports)
{
    private const string CachePath = "/etc/ld.so.cache";
    private const string Again = "Install it again.";
    private const int CacheLimit = 64 << 20;

    private readonly ElfReader _reader = new();
    private readonly Dictionary<string, FileContent> _files = [];
    private LoaderCache? _cache;

    public RootView Root => root;

    /// <summary>Is told of each file that is broken: its path, what is wrong, and what to do.</summary>
    public Action<string, string, string?> Broken { get; init; } = (_, _, _) => { };

    public LoaderCache Cache => _cache ??= ReadCache();

    /// <summary>The ELF file at a place; null when there is none, or one that is broken.</summary>
    public ElfImage? Image(Place place) => Read(place).Image;

    /// <summary>The ELF file at a place without links, where it was read already.</summary>
    public ElfImage? KnownImage(string location) => _files.TryGetValue(location, out FileContent? known) ? known.Image : null;

    /// <summary>What stands behind <c>#!</c> in the file at a place; null when it is no script.</summary>
    public string? Interpreter(Place place) => Read(place).Script;

    /// <summary>Whether a library for <paramref name="target"/> is at <paramref name="path"/>.</summary>
    public bool Fits(string path, ElfTarget target) => root.Find(path) is { IsFile: true } place && Image(place)?.Target == target;

    private FileContent Read(Place place)
    {
        if (_files.TryGetValue(place.Path, out FileContent? known)) return known;
        FileContent content = new(null, null);
        try
        {
            using Descriptor? file = place.IsFile ? root.TryOpen(place) : null;
            if (file is not null)
            {
                _reader.Open(file, place.Status!.Value.Size);
                content = new FileContent(ElfImage.Read(_reader, imports), ScriptLine.Of(_reader.Head));
            }
        }
        catch (ElfException e)
        {
            Broken(place.Path, $"is a broken ELF file: {e.Message}", Again);
        }
        catch (LinuxException e)
        {
            Unreadable(place.Path, e);
        }
        return _files[place.Path] = content;
    }

    private LoaderCache ReadCache()
    {
        try
        {
            using Descriptor? file = root.Find(CachePath) is { IsFile: true } place ? root.TryOpen(place) : null;
            return file is null ? LoaderCache.Empty : LoaderCache.Parse(Files.ReadAll(file, CacheLimit));
        }
        catch (ElfException e)
        {
            Broken(CachePath, $"is a broken ld.so.cache: {e.Message}", "ldconfig writes it anew.");
        }
        catch (LinuxException e)
        {
            Unreadable(CachePath, e);
        }
        return LoaderCache.Empty;
    }

    private void Unreadable(string path, LinuxException e) => Broken(path, $"cannot be read ({e.Name})", e.Number is Errno.EACCES or Errno.EPERM ? "Only its owner and root may." : null);

    private sealed record FileContent(ElfImage? Image, string? Script);
}
