using Cage.Interop;

namespace Cage.Engine.Roots.Elf;

/// <summary>Where glibc's loader looks (ld.so(8), "RPATH is searched unless…"; elf/dl-load.c, _dl_map_object): RPATH of the needing file and of those that
/// brought it in, of the program, RUNPATH of the needing file alone, ld.so.cache, the default folders. What a caller may have in LD_LIBRARY_PATH does not count,
/// nor do the folders of processor capabilities that were looked into before glibc 2.37 ("tls", "haswell").</summary>
/// <param name="library">The files.</param>
/// <param name="target">For what machine.</param>
/// <param name="interpreter">The loader itself, which has its default folders written in it; null where there is none.</param>
internal sealed class GlibcRules(ElfLibrary library, ElfTarget target, Place? interpreter) : ILoaderRules
{
    private readonly Dictionary<string, FoundLibrary?> _common = [];
    private readonly Lazy<string[]> _defaults = new(() => DefaultFolders(library.Root, target, interpreter));

    private IReadOnlyList<string> Levels => ProcessorLevels.For(target);

    /// <inheritdoc/>
    public FoundLibrary? Find(string name, LoadedObject needer, LoadedObject program)
    {
        bool sawProgram = false;
        if (needer.Image.Runpath is null)
        {
            for (LoadedObject? one = needer; one is not null; one = one.Loader)
            {
                sawProgram |= one == program;
                if (In(Rpath(one), name) is string path) return new FoundLibrary(path, one == needer ? "RPATH" : $"RPATH of {one.Name}");
            }
            if (!sawProgram && In(Rpath(program), name) is string inherited) return new FoundLibrary(inherited, $"RPATH of {program.Name}");
        }
        else if (In(Folders(needer.Image.Runpath, needer), name) is string path)
        {
            return new FoundLibrary(path, "RUNPATH");
        }
        return needer.Image.SkipsDefaults ? InCache(name, skipsDefaults: true) : Common(name);
    }

    /// <inheritdoc/>
    public string Expand(string name, LoadedObject needer) => Variables(name, needer);

    private IEnumerable<string> Rpath(LoadedObject one) => one.Image is { Rpath: string path, Runpath: null } ? Folders(path, one) : [];

    private IEnumerable<string> Folders(string path, LoadedObject owner) => path.Split(':').Select(folder => folder.Length == 0 ? "." : Variables(folder, owner));

    /// <summary><c>$ORIGIN</c>, <c>$LIB</c>, <c>$PLATFORM</c>, in braces or not.</summary>
    private string Variables(string text, LoadedObject owner)
    {
        if (!text.Contains('$')) return text;
        foreach (var (name, value) in (ReadOnlySpan<(string, string)>)[("ORIGIN", owner.Origin), ("LIB", _defaults.Value[0].Trim('/')), ("PLATFORM", target.Platform)])
            text = text.Replace($"${{{name}}}", value).Replace($"${name}", value);
        return text;
    }

    /// <summary>What does not depend on who asks.</summary>
    private FoundLibrary? Common(string name)
    {
        if (_common.TryGetValue(name, out FoundLibrary? known)) return known;
        FoundLibrary? found = InCache(name, skipsDefaults: false) ?? (In(_defaults.Value, name) is string path ? new FoundLibrary(path, "default folder") : null);
        if (found is null && library.Cache.Count == 0 && In(LoaderConf.Folders(library.Root), name) is string listed) found = new FoundLibrary(listed, "ld.so.conf");
        return _common[name] = found;
    }

    private FoundLibrary? InCache(string name, bool skipsDefaults)
    {
        foreach (string path in library.Cache.Find(name, target, Levels))
        {
            if (skipsDefaults && _defaults.Value.Contains(Path.GetDirectoryName(path))) continue;
            if (library.Fits(path, target)) return new FoundLibrary(path, "ld.so.cache");
        }
        return null;
    }

    /// <summary>The first of the folders that has it, its subfolders for processor levels before itself. One for another machine is passed over.</summary>
    private string? In(IEnumerable<string> folders, string name)
    {
        foreach (string folder in folders)
        {
            // The working directory of whoever runs the program is not known, and none of a program's files.
            if (!folder.StartsWith('/')) continue;
            if (library.Root.Find(RootView.Join(folder, "glibc-hwcaps")).IsFolder)
                foreach (string level in Levels)
                    if ($"{folder}/glibc-hwcaps/{level}/{name}" is string special && library.Fits(special, target)) return special;
            string path = RootView.Join(folder.Length > 1 ? folder.TrimEnd('/') : folder, name);
            if (library.Fits(path, target)) return path;
        }
        return null;
    }

    /// <summary>A loader's default folders are a matter of how it was built: they stand in it one after the other, each with a slash at its end.</summary>
    private static string[] DefaultFolders(RootView root, ElfTarget target, Place? interpreter)
    {
        const int Limit = 8 << 20;
        if (interpreter is { IsFile: true } && root.TryOpen(interpreter) is Descriptor file)
        {
            using (file)
            {
                byte[] bytes = new byte[(int)Math.Min(interpreter.Status!.Value.Size, Limit)];
                if (FoldersIn(bytes.AsSpan(0, Files.ReadAt(file, bytes, 0))) is { Length: > 0 } folders) return folders;
            }
        }
        string[] tuple = target.Tuple is string name ? [$"/lib/{name}", $"/usr/lib/{name}"] : [];
        return [.. tuple, .. target.Is64 ? (ReadOnlySpan<string>)["/lib64", "/usr/lib64"] : [], "/lib", "/usr/lib"];
    }

    internal static string[] FoldersIn(ReadOnlySpan<byte> loader)
    {
        ReadOnlySpan<byte> mark = "/\0/usr/lib"u8;
        int at = loader.IndexOf(mark);
        if (at < 0) return [];
        int start = at;
        while (start > 0 && loader[start - 1] is >= (byte)'!' and <= (byte)'~') start--;
        List<string> folders = [];
        for (ReadOnlySpan<byte> rest = loader[start..]; rest.IndexOf((byte)0) is int end and > 1 && rest[0] == '/' && rest[end - 1] == '/'; rest = rest[(end + 1)..])
            folders.Add(PathText.Decode(rest[..(end - 1)]));
        return [.. folders];
    }
}
