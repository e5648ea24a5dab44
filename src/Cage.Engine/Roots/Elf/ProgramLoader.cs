namespace Cage.Engine.Roots.Elf;

/// <summary>Goes through what the dynamic loader would load for a program, in its order: breadth first, each library once by any of its names.</summary>
/// <param name="library">The files.</param>
/// <param name="graph">Gets what is found.</param>
internal sealed class ProgramLoader(ElfLibrary library, DependencyGraph graph)
{
    private readonly Dictionary<(ElfTarget Target, string? Interpreter), ILoaderRules> _rules = [];

    /// <summary>Adds all that <paramref name="program"/>, a program or library, needs.</summary>
    public void Load(LoadedObject program)
    {
        ElfImage image = program.Image;
        Place? loader = null;
        if (image.Interpreter is string interpreter) loader = AddInterpreter(program, interpreter);
        if (image.Needed.Count == 0 && image.Wanted.Count == 0) return;
        string? loaderPath = image.Interpreter ?? UsualInterpreter(image);
        ILoaderRules rules = RulesFor(image.Target, loaderPath);

        // By all names: what it was asked for, where it is, and its own (DT_SONAME).
        Dictionary<string, LoadedObject> loaded = [];
        List<LoadedObject> order = [program];
        Enter(loaded, program, program.Name);
        if (loader is { IsFile: true } && library.Image(loader) is ElfImage own) Enter(loaded, new LoadedObject(image.Interpreter!, loader, own, null), image.Interpreter!);
        for (int i = 0; i < order.Count; i++)
        {
            LoadedObject needer = order[i];
            foreach (string needed in needer.Image.Needed) LoadOne(needed, needer, isOptional: false);
            foreach (string wanted in needer.Image.Wanted) LoadOne(wanted, needer, isOptional: true);
        }

        void LoadOne(string name, LoadedObject needer, bool isOptional)
        {
            if (loaded.ContainsKey(name)) return;
            if (Find(rules, name, needer, program) is not FoundLibrary found)
            {
                if (!isOptional) graph.AddMissing(name, DependencyReason.Needed, needer.Name);
                return;
            }
            Place place = graph.Add(found.Path, DependencyReason.Needed, needer.Name, found.Through);
            if (loaded.TryGetValue(place.Path, out LoadedObject? known))
            {
                loaded.TryAdd(name, known);
                return;
            }
            LoadedObject one = new(found.Path, place, library.Image(place)!, needer);
            Enter(loaded, one, name);
            order.Add(one);
        }
    }

    /// <summary>Finds a library as a program of that kind would that opens it by name (dlopen(3)).</summary>
    public FoundLibrary? Find(string name, LoadedObject program) =>
        Find(RulesFor(program.Image.Target, program.Image.Interpreter ?? UsualInterpreter(program.Image)), name, program, program);

    private FoundLibrary? Find(ILoaderRules rules, string name, LoadedObject needer, LoadedObject program)
    {
        FoundLibrary? found;
        if (name.Contains('/'))
        {
            // A relative one is looked for from the working directory, which is not known.
            string path = rules.Expand(name, needer);
            found = path.StartsWith('/') && library.Fits(path, needer.Image.Target) ? new FoundLibrary(path, "path") : null;
        }
        else
        {
            found = rules.Find(name, needer, program);
        }
        return found is FoundLibrary there ? there with { Path = library.Root.Plain(there.Path) } : null;
    }

    private static void Enter(Dictionary<string, LoadedObject> loaded, LoadedObject one, string name)
    {
        loaded.TryAdd(name, one);
        loaded.TryAdd(one.Name, one);
        loaded.TryAdd(one.Place.Path, one);
        if (one.Image.SoName is string own) loaded.TryAdd(own, one);
    }

    private Place? AddInterpreter(LoadedObject program, string interpreter)
    {
        if (interpreter.StartsWith('/') && library.Root.Find(interpreter).IsFile) return graph.Add(interpreter, DependencyReason.Interpreter, program.Name);
        graph.AddMissing(interpreter, DependencyReason.Interpreter, program.Name);
        return null;
    }

    private ILoaderRules RulesFor(ElfTarget target, string? interpreter)
    {
        if (_rules.TryGetValue((target, interpreter), out ILoaderRules? known)) return known;
        return _rules[(target, interpreter)] = interpreter is not null && IsMusl(interpreter)
            ? new MuslRules(library, target, interpreter)
            : new GlibcRules(library, target, interpreter is null ? null : library.Root.Find(interpreter));
    }

    private static bool IsMusl(string interpreter) => Path.GetFileName(interpreter).StartsWith("ld-musl-", StringComparison.Ordinal);

    /// <summary>The loader for a library, which names none: its C library tells whose it is.</summary>
    private string? UsualInterpreter(ElfImage image)
    {
        if (image.Needed.Any(name => name == "libc.so" || name.StartsWith("libc.musl-", StringComparison.Ordinal)) &&
            PathPattern.Expand(library.Root, "/lib/ld-musl-*").FirstOrDefault(path => library.Fits(path, image.Target)) is string musl) return musl;
        return image.Target.UsualInterpreter;
    }
}
