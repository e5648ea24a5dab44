namespace Cage.Engine.Roots;

/// <summary>What is to be put into a root.</summary>
public sealed record RootRequest
{
    /// <summary>Commands, by name or path, with all that they need.</summary>
    public IReadOnlyList<string> Commands { get; init; } = [];

    /// <summary>Absolute paths of files, or of folders with all in them.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>Absolute paths of folders that are to be there without what is in them.</summary>
    public IReadOnlyList<string> Folders { get; init; } = [];

    /// <summary>Packs, besides those that the commands choose.</summary>
    public IReadOnlyList<string> Packs { get; init; } = [];

    /// <summary>Whether packs come along that the commands' imports and names choose.</summary>
    public bool ChoosesPacks { get; init; } = true;

    /// <summary>Whether setuid and setgid bits are kept.</summary>
    public bool KeepsSetuid { get; init; }

    /// <summary>Whether it is only for the making, and is taken out again by <see cref="CageEngine.ClearTemporary"/>.</summary>
    public bool IsTemporary { get; init; }

    /// <summary>Whether files that the user has put there himself are replaced.</summary>
    public bool Force { get; init; }

    /// <summary>Whether there is anything in it.</summary>
    public bool IsEmpty => Commands.Count + Files.Count + Folders.Count + Packs.Count == 0;

    /// <summary>What that means, each file by its path.</summary>
    /// <exception cref="CageException">CageCommandNotFound; CageArgumentInvalid: no such pack; a folder as a command.</exception>
    internal IReadOnlyList<RootWish> Wishes(PackCatalog catalog)
    {
        using RootView host = new("/");
        CommandPath commands = new(host);
        RootWish Wish(RootWishKind kind, string name) => new(kind, name, IsTemporary, ChoosesPacks, KeepsSetuid);
        return
        [
            .. Commands.Select(command => Wish(RootWishKind.Command, DependencyResolver.LocateFile(commands, command))),
            .. Files.Select(file => Wish(RootWishKind.File, DependencyResolver.Locate(commands, file))),
            .. Folders.Select(folder => Wish(RootWishKind.File, DependencyResolver.Locate(commands, folder)) with { Alone = true }),
            .. Packs.Select(pack => Wish(RootWishKind.Pack, catalog.Get(pack).Name)),
        ];
    }
}

/// <summary>How far the filling of a root is.</summary>
/// <param name="Done">How much of it there is, from 0 to 1.</param>
/// <param name="Path">The file that is being put there.</param>
public sealed record RootProgress(double Done, string Path);
