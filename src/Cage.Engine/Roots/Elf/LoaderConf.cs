namespace Cage.Engine.Roots.Elf;

/// <summary>The folders of /etc/ld.so.conf and what it includes (ldconfig(8)). The loader reads ld.so.cache, which ldconfig made of these: they count
/// where a root has no cache yet, and where one is made for it.</summary>
internal static class LoaderConf
{
    private const string Path = "/etc/ld.so.conf";
    private const int DepthLimit = 16;

    /// <summary>The folders in order, each once.</summary>
    public static IReadOnlyList<string> Folders(RootView root)
    {
        List<string> folders = [];
        Read(root, Path, folders, 0);
        return folders;
    }

    /// <summary>The files that they come from.</summary>
    public static IEnumerable<string> FilesOf(RootView root) => root.Find(Path).IsFile ? Includes(root, Path, 0).Prepend(Path).Distinct() : [];

    private static IEnumerable<string> Includes(RootView root, string path, int depth)
    {
        foreach (string line in Lines(root, path))
        {
            foreach (string file in depth < DepthLimit ? Included(root, path, line) : [])
            {
                yield return file;
                foreach (string below in Includes(root, file, depth + 1)) yield return below;
            }
        }
    }

    private static void Read(RootView root, string path, List<string> folders, int depth)
    {
        foreach (string line in Lines(root, path))
        {
            string[] included = [.. Included(root, path, line)];
            foreach (string file in depth < DepthLimit ? included : []) Read(root, file, folders, depth + 1);
            if (IsInclude(line) || line.StartsWith("hwcap", StringComparison.Ordinal) || !line.StartsWith('/')) continue;
            // "/folder=type" was a way to say which libc a folder is for.
            string folder = line.Split('=')[0].TrimEnd();
            if (folder.Length > 1) folder = folder.TrimEnd('/');
            if (!folders.Contains(folder)) folders.Add(folder);
        }
    }

    private static IEnumerable<string> Lines(RootView root, string path) =>
        (root.TryReadText(path) ?? "").Split('\n').Select(line => line.Split('#')[0].Trim()).Where(line => line.Length > 0);

    private static bool IsInclude(string line) => line.StartsWith("include", StringComparison.Ordinal) && line.Length > 7 && char.IsWhiteSpace(line[7]);

    private static IEnumerable<string> Included(RootView root, string path, string line) => !IsInclude(line)
        ? []
        : line[7..].Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)
            .Select(pattern => pattern.StartsWith('/') ? pattern : RootView.Join(path[..Math.Max(1, path.LastIndexOf('/'))], pattern))
            .SelectMany(pattern => PathPattern.Expand(root, pattern));
}
