using Cage.Engine.Roots;
using Cage.Interop;

namespace Cage.Engine;

/// <content>Roots from chosen commands.</content>
public sealed partial class CageEngine
{
    /// <summary>The packs there are: those that Cage brings and the user's own.</summary>
    /// <exception cref="CageException">CageConfInvalid: one that cannot be understood.</exception>
    public PackCatalog Packs => PackCatalog.Load(Settings);

    /// <summary>All files that commands need, each with the reason. None of them is run.</summary>
    /// <param name="query">What is asked about.</param>
    /// <param name="problem">Is told of each name that is not there (CageCommandNotFound) and each file that is broken (CageFileInvalid); the rest goes on.</param>
    /// <exception cref="CageException">CageArgumentInvalid: a pack or a root that is not there.</exception>
    public IReadOnlyList<CageDependency> GetDependencies(DependencyQuery query, Action<CageException> problem)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentNullException.ThrowIfNull(problem);
        if (Files.StatusFollowed(query.Root) is not { IsDirectory: true })
            throw new CageException(CageError.CageArgumentInvalid, $"{query.Root}: not a directory (ENOTDIR).", target: query.Root);
        using DependencyResolver resolver = query.Resolve(query.ChoosesPacks || query.Packs.Count > 0 ? Packs : PackCatalog.None, problem);
        return resolver.Graph.All;
    }
}
