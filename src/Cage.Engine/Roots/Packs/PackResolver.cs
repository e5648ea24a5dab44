using Cage.Engine.Roots.Elf;

namespace Cage.Engine.Roots;

/// <summary>Chooses packs by what programs import, use and are called, and adds what is in them to the graph.</summary>
internal sealed class PackResolver(DependencyResolver resolver, PackCatalog catalog, ElfLibrary library, ProgramLoader loader)
{
    private readonly ILookup<string, Pack> _byImport = catalog.All.SelectMany(pack => pack.Imports.Select(name => new { Name = name, Pack = pack })).ToLookup(pair => pair.Name, pair => pair.Pack);
    private readonly Pack[] _byUse = [.. catalog.All.Where(pack => pack.Uses.Count > 0)], _byCommand = [.. catalog.All.Where(pack => pack.Commands.Count > 0)];
    private readonly HashSet<string> _chosen = [], _names = [], _accounts = [], _makes = [];
    private readonly Dictionary<string, PackFolder> _folders = [];
    private readonly Dictionary<string, PackLink> _links = [];
    private LoadedObject? _program;
    private int _looked;

    /// <summary>Whether programs choose any.</summary>
    public bool ChoosesPacks { get; init; }

    /// <summary>The names of those that were chosen.</summary>
    public IReadOnlyCollection<string> Chosen => _names;

    /// <summary>Folders to be made.</summary>
    public IReadOnlyCollection<PackFolder> Folders => _folders.Values;

    /// <summary>Links to be made.</summary>
    public IReadOnlyCollection<PackLink> Links => _links.Values;

    /// <summary>Users and groups that are needed.</summary>
    public IReadOnlyCollection<string> Accounts => _accounts;

    /// <summary>What is to be made for the root.</summary>
    public IReadOnlyCollection<string> Makes => _makes;

    private DependencyGraph Graph => resolver.Graph;

    private RootView Root => resolver.Root;

    /// <summary>Adds a pack that was asked for.</summary>
    /// <exception cref="CageException">CageArgumentInvalid: there is none of that name.</exception>
    public void Request(string name) => Choose(catalog.Get(name), null, "asked for", null);

    /// <summary>Looks at what a program or script is called.</summary>
    public void Look(string name, Place place)
    {
        if (library.Image(place) is ElfImage image) _program ??= new LoadedObject(name, place, image, null);
        if (!ChoosesPacks) return;
        foreach (string file in new[] { Path.GetFileName(name), Path.GetFileName(place.Path) }.Distinct())
            foreach (Pack pack in _byCommand.Where(pack => pack.Commands.Any(pattern => PathPattern.Fits(pattern, file)))) Choose(pack, name, $"command {file}", place);
    }

    /// <summary>Looks at the imports of every file in the graph, until no pack adds another.</summary>
    public void Complete()
    {
        if (!ChoosesPacks) return;
        for (; _looked < Graph.All.Count; _looked++)
        {
            CageDependency dependency = Graph.All[_looked];
            if (dependency.Location is not string location) continue;
            if (dependency.Reason is DependencyReason.Needed or DependencyReason.Interpreter)
            {
                string file = Path.GetFileName(dependency.Path);
                foreach (Pack pack in _byUse.Where(pack => pack.Uses.Any(pattern => PathPattern.Fits(pattern, file)))) Choose(pack, dependency.RequiredBy, $"uses {file}", null);
            }
            foreach (string import in library.KnownImage(location)?.Imports ?? [])
                foreach (Pack pack in _byImport[import]) Choose(pack, dependency.Path, import, null);
        }
    }

    private void Choose(Pack pack, string? requiredBy, string why, Place? place)
    {
        // One that speaks of the program's own folder is another one for another program.
        bool isOwn = pack.Files.Any(file => file.Contains('{'));
        if (!_chosen.Add(isOwn ? $"{pack.Name} {place?.Path}" : pack.Name)) return;
        _names.Add(pack.Name);
        string through = $"{pack.Name}: {why}";
        foreach (string other in pack.Packs) Choose(catalog.Get(other), requiredBy, $"{why}, by {pack.Name}", place);
        foreach (string pattern in pack.Files)
            foreach (string path in PathPattern.Expand(Root, Variables(pattern, place)).Where(path => !PathPattern.IsSkipped(pack.Skips, path))) resolver.AddTree(path, DependencyReason.Pack, requiredBy, through, pack.Skips);
        foreach (string name in pack.Libraries)
            if (Program() is LoadedObject program && loader.Find(name, program) is FoundLibrary found) resolver.Follow(found.Path, Graph.Add(found.Path, DependencyReason.Pack, requiredBy, through));
        foreach (string name in pack.Programs)
            if (resolver.Commands.Find(name) is string path) resolver.Follow(path, Graph.Add(path, DependencyReason.Pack, requiredBy, through));
        foreach (PackFolder folder in pack.Folders) _folders.TryAdd(folder.Path, folder);
        foreach (PackLink link in pack.Links) _links.TryAdd(link.Path, link);
        _accounts.UnionWith(pack.Accounts);
        _makes.UnionWith(pack.Makes);
    }

    /// <summary><c>{folder}</c> is the folder that the program is in, <c>{prefix}</c> the one above that, <c>{name}</c> the program's own name, all behind all links.</summary>
    private static string Variables(string pattern, Place? program)
    {
        if (program is null || !pattern.Contains('{')) return pattern;
        string folder = Path.GetDirectoryName(program.Path) ?? "/", prefix = Path.GetDirectoryName(folder) ?? "/";
        return pattern.Replace("{folder}", folder.TrimEnd('/')).Replace("{prefix}", prefix.TrimEnd('/')).Replace("{name}", Path.GetFileName(program.Path));
    }

    /// <summary>A program of the kind that the libraries are for: the first that was asked for, or else the shell.</summary>
    private LoadedObject? Program()
    {
        if (_program is null && resolver.Commands.Find("sh") is string shell && Root.Find(shell) is var place && library.Image(place) is ElfImage image)
            _program = new LoadedObject(shell, place, image, null);
        return _program;
    }
}
