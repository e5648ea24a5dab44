namespace Cage.Engine.Roots;

/// <summary>Files that are needed, each once, in the order in which they were found.</summary>
/// <param name="root">Where they are.</param>
internal sealed class DependencyGraph(RootView root)
{
    private readonly Dictionary<string, CageDependency> _byLocation = [];
    private readonly HashSet<string> _names = [];
    private readonly List<CageDependency> _all = [];

    public IReadOnlyList<CageDependency> All => _all;

    /// <summary>Adds what <paramref name="path"/> leads to, with all symbolic links on the way.</summary>
    /// <returns>Where it leads.</returns>
    public Place Add(string path, DependencyReason reason, string? requiredBy = null, string? through = null)
    {
        Place place = root.Find(path);
        if (!_names.Add(path)) return place;
        string trimmed = path.Length > 1 ? path.TrimEnd('/') : path;
        int slash = trimmed.LastIndexOf('/');
        string own = RootView.Join(root.Find(slash <= 0 ? "/" : trimmed[..slash]).Path, trimmed[(slash + 1)..]);
        bool isLink = false;
        foreach (LinkHop link in place.Links)
        {
            if (link.Path == own)
            {
                isLink = true;
                Put(new CageDependency(trimmed, reason, requiredBy, through, link.Text, false) { Location = own });
            }
            else
            {
                Put(new CageDependency(link.Path, DependencyReason.Symlink, trimmed, null, link.Text, false) { Location = link.Path });
            }
        }
        if (place.Status is null) return place;
        if (isLink) Put(new CageDependency(place.Path, DependencyReason.Symlink, trimmed, null, null, false) { Location = place.Path });
        else if (place.Path != "/") Put(new CageDependency(trimmed, reason, requiredBy, through, null, false) { Location = place.Path });
        return place;
    }

    /// <summary>Adds what is not there.</summary>
    public void AddMissing(string name, DependencyReason reason, string? requiredBy, string? through = null)
    {
        if (_names.Add($"{name}\0{requiredBy}")) _all.Add(new CageDependency(name, reason, requiredBy, through, null, Missing: true));
    }

    private void Put(CageDependency dependency)
    {
        if (_byLocation.TryAdd(dependency.Location!, dependency)) _all.Add(dependency);
    }
}
