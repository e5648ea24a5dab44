namespace Cage.Engine.Roots;

/// <summary>All that belongs into a root for what is wanted in it.</summary>
internal sealed class RootPlan
{
    private const string Skeleton = "skeleton";

    private readonly Dictionary<string, CageDependency> _dependencies = [];
    private readonly Dictionary<string, PackFolder> _folders = [];
    private readonly Dictionary<string, PackLink> _links = [];
    private readonly List<CageDependency> _missing = [];

    private RootPlan()
    {
    }

    /// <summary>Files, links and folders of the host's, by where they are.</summary>
    public IReadOnlyDictionary<string, CageDependency> Dependencies => _dependencies;

    /// <summary>What is needed and not on the host.</summary>
    public IReadOnlyList<CageDependency> Missing => _missing;

    public IReadOnlyCollection<PackFolder> Folders => _folders.Values;

    public IReadOnlyCollection<PackLink> Links => _links.Values;

    public SortedSet<string> Accounts { get; } = new(StringComparer.Ordinal);

    public HashSet<string> Makes { get; } = [];

    /// <summary>Looks up on the host what is wanted, and all that it needs.</summary>
    /// <param name="wishes">What is wanted.</param>
    /// <param name="catalog">The packs there are.</param>
    /// <param name="problem">Is told of what is not there or broken; the rest goes on.</param>
    public static RootPlan Of(IEnumerable<RootWish> wishes, PackCatalog catalog, Action<CageException> problem)
    {
        RootPlan plan = new();
        foreach (var group in wishes.GroupBy(wish => wish.ChoosesPacks))
        {
            using DependencyResolver resolver = new("/", catalog, group.Key, problem);
            plan.Resolve(resolver, [.. group], problem);
        }
        return plan;
    }

    private void Resolve(DependencyResolver resolver, RootWish[] wishes, Action<CageException> problem)
    {
        List<string> commands = [], files = [], folders = [];
        foreach (RootWish wish in wishes.Where(wish => wish.Kind != RootWishKind.Pack))
        {
            try
            {
                (wish.Kind == RootWishKind.Command ? commands : wish.Alone ? folders : files).Add(resolver.Locate(wish.Name));
            }
            catch (CageException e)
            {
                problem(e);
            }
        }
        Place[] places = [.. commands.Select(resolver.Request)];
        for (int i = 0; i < places.Length; i++) resolver.Follow(commands[i], places[i]);
        foreach (string folder in folders) resolver.Request(folder);
        foreach (string file in files)
        {
            resolver.AddTree(file, DependencyReason.Requested);
            resolver.Follow(file, resolver.Root.Find(file));
        }
        if (resolver.Packs.ChoosesPacks) resolver.Packs.Request(Skeleton);
        foreach (RootWish wish in wishes.Where(wish => wish.Kind == RootWishKind.Pack)) resolver.Packs.Request(wish.Name);
        resolver.Packs.Complete();

        foreach (CageDependency dependency in resolver.Graph.All)
        {
            if (dependency.Location is string location) _dependencies.TryAdd(location, dependency);
            else _missing.Add(dependency);
        }
        foreach (PackFolder folder in resolver.Packs.Folders) _folders.TryAdd(folder.Path, folder);
        foreach (PackLink link in resolver.Packs.Links) _links.TryAdd(link.Path, link);
        Accounts.UnionWith(resolver.Packs.Accounts);
        Makes.UnionWith(resolver.Packs.Makes);
    }
}
