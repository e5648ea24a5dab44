using System.Reflection;
using Cage.Engine.Roots.Elf;
using Cage.Engine.Store;

namespace Cage.Engine.Roots;

/// <summary>The packs there are: those that Cage brings, and the user's own in <c>packs/*.pack</c> below the tool folder, which stand in for ours of the same name.</summary>
public sealed class PackCatalog
{
    private const string Extension = ".pack";

    private readonly SortedDictionary<string, Pack> _packs = new(StringComparer.Ordinal);

    private PackCatalog()
    {
    }

    /// <summary>One without any.</summary>
    internal static PackCatalog None { get; } = new();

    /// <summary>All, by name.</summary>
    public IReadOnlyCollection<Pack> All => _packs.Values;

    /// <summary>The functions that choose any of them.</summary>
    internal ElfImports Imports => new(_packs.Values.SelectMany(pack => pack.Imports));

    /// <summary>Reads them.</summary>
    /// <exception cref="CageException">CageConfInvalid: one that cannot be understood, with file, line and key.</exception>
    public static PackCatalog Load(StoreSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        PackCatalog catalog = new();
        Assembly assembly = typeof(PackCatalog).Assembly;
        foreach (string resource in assembly.GetManifestResourceNames().Where(name => name.EndsWith(Extension, StringComparison.Ordinal)))
        {
            using Stream stream = assembly.GetManifestResourceStream(resource)!;
            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            catalog.Add(ConfFile.Parse(resource, bytes), isOurs: true);
        }
        foreach (string path in OwnFiles(FolderOf(settings))) catalog.Add(ConfFile.Read(path), isOurs: false);
        return catalog;
    }

    /// <summary>Where the user's own are.</summary>
    public static string FolderOf(StoreSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return $"{settings.Tool}/packs";
    }

    /// <summary>The pack of that name.</summary>
    /// <exception cref="CageException">CageArgumentInvalid: there is none.</exception>
    public Pack Get(string name) => _packs.TryGetValue(name, out Pack? pack)
        ? pack
        : throw new CageException(CageError.CageArgumentInvalid, $"There is no pack \"{name}\".", $"There are {string.Join(", ", _packs.Keys)}.", name);

    private static string[] OwnFiles(string folder)
    {
        try
        {
            return Directory.Exists(folder) ? [.. Directory.GetFiles(folder, "*" + Extension).Order(StringComparer.Ordinal)] : [];
        }
        catch (UnauthorizedAccessException e)
        {
            throw new CageException(CageError.CageRequiresRoot, $"Reading {folder}: EACCES.", "Run it as root.", folder, e);
        }
    }

    private void Add(ConfFile file, bool isOurs)
    {
        string name = Path.GetFileNameWithoutExtension(file.Path);
        _packs[name] = Pack.From(file, name, isOurs);
    }
}
