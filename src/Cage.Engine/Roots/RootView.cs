using Cage.Interop;

namespace Cage.Engine.Roots;

/// <summary>A symbolic link that a path leads over.</summary>
/// <param name="Path">Where it is, without links.</param>
/// <param name="Text">What it says.</param>
internal sealed record LinkHop(string Path, string Text);

/// <summary>Where a path leads.</summary>
/// <param name="Path">What it means, without links, as seen from the root.</param>
/// <param name="Status">What is there; null when nothing is.</param>
/// <param name="Links">The links on the way, in the order in which they are followed.</param>
internal sealed record Place(string Path, FileStatus? Status, IReadOnlyList<LinkHop> Links)
{
    public bool IsFile => Status is { IsRegular: true };

    public bool IsFolder => Status is { IsDirectory: true };
}

/// <summary>The files of a root directory as a process with that root would see them: an absolute link begins at the root, and <c>..</c> does not lead out.
/// What was looked up is remembered.</summary>
/// <param name="path">The root directory: <c>/</c> for the host's own.</param>
internal sealed class RootView(string path) : IDisposable
{
    private const int LinkLimit = 40;

    private readonly Dictionary<string, Place> _places = [];
    private readonly string _prefix = path == "/" ? "" : path.TrimEnd('/');
    private Descriptor? _root;
    private int _depth;

    /// <summary>The directory.</summary>
    public string Path => _prefix.Length == 0 ? "/" : _prefix;

    /// <summary>Where <paramref name="path"/>, absolute, leads.</summary>
    public Place Find(string path)
    {
        if (_places.TryGetValue(path, out Place? known)) return known;
        Place place = Look(path);
        _places[path] = place;
        return place;
    }

    /// <summary>The same path without <c>.</c> and <c>..</c>, so that it can be shown.</summary>
    public string Plain(string path)
    {
        if (!path.Contains("/.", StringComparison.Ordinal) || !path.Split('/').Any(part => part is "." or "..")) return path;
        int slash = path.LastIndexOf('/');
        return path[(slash + 1)..] is "." or ".." ? Find(path).Path : Join(Find(path[..Math.Max(1, slash)]).Path, path[(slash + 1)..]);
    }

    /// <summary>Opens what a place is, read-only; null when it is not there any more. No link is followed out of the root.</summary>
    public Descriptor? TryOpen(Place place, int flags = Files.O_RDONLY | Files.O_NONBLOCK | Files.O_NOCTTY)
    {
        if (_prefix.Length == 0) return Files.TryOpen(place.Path, flags);
        _root ??= Files.Open(_prefix, Files.O_PATH | Files.O_DIRECTORY);
        return Files.TryOpenInRoot(_root, place.Path, flags);
    }

    /// <summary>The whole text of a small file; null when there is none that can be read.</summary>
    public string? TryReadText(string path)
    {
        const int Limit = 1 << 20;
        Place place = Find(path);
        if (!place.IsFile) return null;
        try
        {
            using Descriptor? file = TryOpen(place);
            return file is null ? null : PathText.Decode(Files.ReadAll(file, Limit));
        }
        catch (LinuxException)
        {
            return null;
        }
    }

    /// <summary>The names in a folder, sorted; none when it is none or cannot be read.</summary>
    public IReadOnlyList<string> List(Place folder)
    {
        if (!folder.IsFolder) return [];
        try
        {
            using Descriptor? directory = TryOpen(folder, Files.O_RDONLY | Files.O_DIRECTORY);
            if (directory is null) return [];
            List<string> names = [];
            while (Directories.ReadSome(directory) is { Count: > 0 } some) names.AddRange(Array.ConvertAll([.. some], entry => Directories.Text(entry.Name)));
            names.Sort(string.CompareOrdinal);
            return names;
        }
        catch (LinuxException)
        {
            return [];
        }
    }

    /// <summary>A name in a folder, as a path.</summary>
    public static string Join(string folder, string name) => folder == "/" ? $"/{name}" : $"{folder}/{name}";

    /// <inheritdoc/>
    public void Dispose() => _root?.Dispose();

    private Place Look(string path)
    {
        string trimmed = path.TrimEnd('/');
        if (trimmed.Length == 0) return new Place("/", Status("/"), []);
        int slash = trimmed.LastIndexOf('/');
        if (slash < 0) throw new ArgumentException("A path is absolute here.", nameof(path));
        string name = trimmed[(slash + 1)..];
        Place folder = Find(slash == 0 ? "/" : trimmed[..slash]);
        if (name is "." || (name is "" && folder.IsFolder)) return folder;
        if (name is "..") return folder.Path == "/" ? folder : Find(folder.Path[..Math.Max(1, folder.Path.LastIndexOf('/'))]) with { Links = folder.Links };
        string here = Join(folder.Path, name);
        if (!folder.IsFolder) return new Place(here, null, folder.Links);
        FileStatus? status = Status(here);
        if (status is not { IsLink: true } || Files.ReadLink(_prefix + here) is not string text) return new Place(here, status, folder.Links);
        IReadOnlyList<LinkHop> links = [.. folder.Links, new LinkHop(here, text)];
        // As many as the kernel follows (path_resolution(7)).
        if (_depth >= LinkLimit) return new Place(here, null, links);
        _depth++;
        try
        {
            Place target = Find(text.StartsWith('/') ? text : Join(folder.Path, text));
            return target with { Links = [.. links, .. target.Links] };
        }
        finally
        {
            _depth--;
        }
    }

    private FileStatus? Status(string path)
    {
        try
        {
            return path == "/" ? Files.StatusFollowed(Path) : Files.Status(_prefix + path);
        }
        catch (LinuxException e) when (e.Number is Errno.EACCES or Errno.ENAMETOOLONG or Errno.ELOOP)
        {
            return null;
        }
    }
}
