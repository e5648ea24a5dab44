namespace Cage.Engine.Roots.Elf;

/// <summary>Where musl's loader looks (musl, ldso/dynlink.c, load_library): RPATH and RUNPATH alike, of the needing file and of those that brought it in, then the
/// folders of its path file, or the default ones.</summary>
/// <param name="library">The files.</param>
/// <param name="target">For what machine.</param>
/// <param name="interpreter">The path of the loader, which is also the C library.</param>
internal sealed class MuslRules(ElfLibrary library, ElfTarget target, string interpreter) : ILoaderRules
{
    private static readonly string[] _own = ["c", "pthread", "rt", "m", "dl", "util", "xnet"];

    private readonly Lazy<(IReadOnlyList<string> Folders, string Through)> _system = new(() => SystemFolders(library.Root, interpreter));

    /// <inheritdoc/>
    public FoundLibrary? Find(string name, LoadedObject needer, LoadedObject program)
    {
        if (name.StartsWith("lib", StringComparison.Ordinal) && _own.Contains(name[3..].Split('.')[0])) return new FoundLibrary(interpreter, "interpreter");
        for (LoadedObject? one = needer; one is not null; one = one.Loader)
            if ((one.Image.Runpath ?? one.Image.Rpath) is string path && In(path.Split(':').Select(folder => Expand(folder, one)), name) is string found)
                return new FoundLibrary(found, one == needer ? "RUNPATH" : $"RUNPATH of {one.Name}");
        var (folders, through) = _system.Value;
        return In(folders, name) is string system ? new FoundLibrary(system, through) : null;
    }

    /// <inheritdoc/>
    public string Expand(string name, LoadedObject needer) => name.Replace("${ORIGIN}", needer.Origin).Replace("$ORIGIN", needer.Origin);

    private string? In(IEnumerable<string> folders, string name)
    {
        foreach (string folder in folders)
            if (folder.StartsWith('/') && RootView.Join(folder.TrimEnd('/'), name) is string path && library.Fits(path, target)) return path;
        return null;
    }

    /// <summary>The file is below the folder that the loader's own is in: /lib/ld-musl-x86_64.so.1 has /etc/ld-musl-x86_64.path.</summary>
    private static (IReadOnlyList<string> Folders, string Through) SystemFolders(RootView root, string interpreter)
    {
        string name = System.IO.Path.GetFileName(interpreter), prefix = System.IO.Path.GetDirectoryName(System.IO.Path.GetDirectoryName(interpreter)) ?? "/";
        string file = RootView.Join(prefix, $"etc/{name.Split(".so")[0]}.path");
        return root.TryReadText(file) is string text
            ? (text.Split(['\n', ':'], StringSplitOptions.RemoveEmptyEntries), file)
            : (["/lib", "/usr/local/lib", "/usr/lib"], "default folder");
    }
}
