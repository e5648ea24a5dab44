using Cage.Engine.State;
using Cage.Engine.Store;

namespace Cage.PowerShell;

/// <summary>A cage in the tree of layers.</summary>
/// <param name="Branch">The lines that lead to it, as they are drawn.</param>
/// <param name="Depth">How many layers are below it on this way; 0 at the root.</param>
/// <param name="Cage">The cage.</param>
public sealed record CageTreeNode(string Branch, int Depth, CageInfo Cage)
{
    /// <summary>The cage's name.</summary>
    public string Name => Cage.Name;

    /// <summary>The cage's id.</summary>
    public Guid Id => Cage.Id;

    /// <summary>The cage's state.</summary>
    public CageState State => Cage.State;
}

/// <summary>Cages as the layers that they are: each under every cage that it names as a base.</summary>
internal static class CageTree
{
    /// <summary>The nodes in the order in which they are drawn. Those whose bases are not among the cages stand at the root.</summary>
    public static IEnumerable<CageTreeNode> Of(IReadOnlyList<CageInfo> cages)
    {
        HashSet<Guid> there = [.. cages.Select(cage => cage.Id)];
        ILookup<Guid, CageInfo> above = cages.SelectMany(cage => cage.Base.Distinct().Select(id => (Below: id, Cage: cage))).ToLookup(entry => entry.Below, entry => entry.Cage);
        return cages.Where(cage => !cage.Base.Any(there.Contains)).SelectMany(root => Grow(root, "", "", 0, above, []));
    }

    /// <summary>A cycle, which only a hand can have made, is followed once around.</summary>
    private static IEnumerable<CageTreeNode> Grow(CageInfo cage, string branch, string trunk, int depth, ILookup<Guid, CageInfo> above, HashSet<Guid> way)
    {
        yield return new CageTreeNode(branch, depth, cage);
        if (cage.Kind == CageKind.Writable || !way.Add(cage.Id)) yield break;
        CageInfo[] children = [.. above[cage.Id]];
        for (int i = 0; i < children.Length; i++)
        {
            bool isLast = i == children.Length - 1;
            foreach (CageTreeNode node in Grow(children[i], $"{trunk}{(isLast ? "└─ " : "├─ ")}", $"{trunk}{(isLast ? "   " : "│  ")}", depth + 1, above, way)) yield return node;
        }
        way.Remove(cage.Id);
    }
}
