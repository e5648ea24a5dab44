namespace Cage.Engine.Roots.Elf;

/// <summary>A file that the loader has in memory for one program.</summary>
/// <param name="Name">The path by which it was found.</param>
/// <param name="Place">Where that leads.</param>
/// <param name="Image">What it says.</param>
/// <param name="Loader">Whose need brought it in; null for the program and its interpreter.</param>
internal sealed record LoadedObject(string Name, Place Place, ElfImage Image, LoadedObject? Loader)
{
    /// <summary>What <c>$ORIGIN</c> stands for: the folder of the file, without links, as the kernel tells the loader.</summary>
    public string Origin => System.IO.Path.GetDirectoryName(Place.Path) ?? "/";
}

/// <summary>A library that was found.</summary>
/// <param name="Path">The path by which it was found.</param>
/// <param name="Through">How: "RUNPATH", "ld.so.cache"….</param>
internal readonly record struct FoundLibrary(string Path, string Through);

/// <summary>Where a dynamic loader looks for what a file needs.</summary>
internal interface ILoaderRules
{
    /// <summary>Finds <paramref name="name"/> for <paramref name="needer"/> in the program <paramref name="program"/>; null when it is nowhere.</summary>
    FoundLibrary? Find(string name, LoadedObject needer, LoadedObject program);

    /// <summary>What a needed name with variables in it means.</summary>
    string Expand(string name, LoadedObject needer);
}
