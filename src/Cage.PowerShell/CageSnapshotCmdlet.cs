using System.Management.Automation;
using Cage.Engine;
using Cage.Engine.Snapshots;

namespace Cage.PowerShell;

/// <summary>What the cmdlets that take snapshots share: they are named, with wildcards, or come from the pipeline.</summary>
public abstract class CageSnapshotCmdlet : CageCmdlet
{
    /// <summary>The parameter set of <see cref="Name"/>.</summary>
    protected const string NameSet = "Name";

    /// <summary>The parameter set of a snapshot itself.</summary>
    protected const string InputObjectSet = "InputObject";

    private protected CageSnapshotCmdlet()
    {
    }

    /// <summary>Names, with wildcards.</summary>
    public abstract string[] Name { get; set; }

    /// <summary>The snapshots that a name means; with wildcards there may be none.</summary>
    /// <exception cref="CageException">CageSnapshotNotFound.</exception>
    private protected IEnumerable<CageSnapshot> Named(string name)
    {
        if (!WildcardPattern.ContainsWildcardCharacters(name)) return [Engine.FindSnapshot(WildcardPattern.Unescape(name))];
        WildcardPattern pattern = new(name);
        return Engine.Snapshots().Where(snapshot => pattern.IsMatch(snapshot.Name));
    }
}
