using System.Management.Automation;
using Cage.Engine;
using Cage.Engine.State;
using Cage.Engine.Store;

namespace Cage.PowerShell;

/// <summary>Finds the cages that a user means, with their state at this moment.</summary>
/// <param name="engine">Who knows them.</param>
internal sealed class CageSelector(CageEngine engine)
{
    /// <summary>Whether a name that several cages have means all of them. Where it does not, that is CageAmbiguous.</summary>
    public bool TakesNamesakes { get; init; }

    /// <summary>Is told of each cage that cannot be read, where all are looked through.</summary>
    public Action<CageException>? Broken { get; init; }

    /// <summary>All there are.</summary>
    public IEnumerable<CageInfo> All() => engine.List(Broken);

    /// <summary>The cages with a name, an id or the beginning of one id alone; with wildcards, those whose names fit, which may be none.
    /// Upper and lower case differ, as in file names: cages may be told apart by nothing else.</summary>
    /// <exception cref="CageException">CageNotFound; CageAmbiguous; CageConfInvalid.</exception>
    public IEnumerable<CageInfo> Named(string name)
    {
        if (WildcardPattern.ContainsWildcardCharacters(name))
        {
            WildcardPattern pattern = new(name);
            return engine.Store.ReadAll(Broken).Where(record => pattern.IsMatch(record.Name)).Select(engine.Look);
        }
        return Literal(WildcardPattern.Unescape(name));
    }

    /// <summary>As <see cref="Named"/>, with no character a wildcard.</summary>
    /// <exception cref="CageException">CageNotFound; CageAmbiguous; CageConfInvalid.</exception>
    public IEnumerable<CageInfo> Literal(string name) =>
        TakesNamesakes && engine.Store.FindAll(name) is { Count: > 1 } namesakes && namesakes[0].Name == name ? namesakes.Select(engine.Look) : [engine.Find(name)];

    /// <summary>The cage with that id.</summary>
    /// <exception cref="CageException">CageNotFound; CageConfInvalid.</exception>
    public CageInfo WithId(Guid id) => engine.Find(id.ToString("D"));
}
