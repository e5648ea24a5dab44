namespace Cage.Engine.Roots;

/// <summary>What is asked about, and in which root.</summary>
public sealed record DependencyQuery
{
    /// <summary>Names of commands, and absolute paths of programs, libraries, scripts or any other files.</summary>
    public required IReadOnlyList<string> Names { get; init; }

    /// <summary>Packs that are wanted whether or not anything chooses them.</summary>
    public IReadOnlyList<string> Packs { get; init; } = [];

    /// <summary>Whether packs come along that the programs' imports and names choose.</summary>
    public bool ChoosesPacks { get; init; } = true;

    /// <summary>The directory whose files are looked at, as if it were <c>/</c>.</summary>
    public string Root { get; init; } = "/";

    /// <summary>Adds everything to the resolver's graph; what cannot be found is told, and the rest goes on.</summary>
    internal DependencyResolver Resolve(PackCatalog catalog, Action<CageException> problem)
    {
        DependencyResolver resolver = new(Root, catalog, ChoosesPacks, problem);
        List<string> paths = [];
        foreach (string name in Names)
        {
            try
            {
                paths.Add(DependencyResolver.LocateFile(resolver.Commands, name));
            }
            catch (CageException e)
            {
                problem(e);
            }
        }
        // All that was asked for comes first: nothing else is to be told as the reason for it.
        Place[] places = [.. paths.Select(resolver.Request)];
        for (int i = 0; i < places.Length; i++) resolver.Follow(paths[i], places[i]);
        foreach (string pack in Packs) resolver.Packs.Request(pack);
        resolver.Packs.Complete();
        return resolver;
    }
}
