using System.Management.Automation;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <content>The cages that it runs in.</content>
public sealed partial class InvokeCageCommand
{
    private const string NameSet = "Name", LiteralNameSet = "LiteralName", IdSet = "Id";

    /// <summary>The cages, by names with wildcards, ids, or the beginnings of ids.</summary>
    [Parameter(ParameterSetName = NameSet)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(CageNameCompleter))]
    public string[]? Name { get; set; }

    /// <summary>The cages, by names in which no character is a wildcard.</summary>
    [Parameter(Mandatory = true, ParameterSetName = LiteralNameSet)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(CageLiteralNameCompleter))]
    public string[] LiteralName { get; set; } = [];

    /// <summary>The cages, by ids.</summary>
    [Parameter(Mandatory = true, ParameterSetName = IdSet)]
    [Alias("CageId")]
    [ArgumentCompleter(typeof(CageIdCompleter))]
    public Guid[] Id { get; set; } = [];

    private bool IsNamed => Name is not null || ParameterSetName is IdSet or LiteralNameSet;

    private List<CageInfo> Targets()
    {
        List<CageInfo> found = [];
        CageSelector selector = new(Engine);
        foreach (Guid id in Id) TryWithStatus(id, () => found.Add(selector.WithId(id)));
        foreach (string name in LiteralName) TryWithStatus(name, () => found.AddRange(selector.Literal(name)));
        if (ParameterSetName is IdSet or LiteralNameSet) return found;
        string[] names = Name ?? _line.Names;
        if (names.Length == 0) TryWithStatus(null, () => throw InvokedLine.Wrong("Which cage?", "Its name comes first: Invoke-Cage NAME -- COMMAND."));
        foreach (string name in names) TryWithStatus(name, () => found.AddRange(selector.Named(name)));
        return found;
    }

    /// <summary>What an empty pipeline leaves open: whether cages were to come, or input.</summary>
    private bool IsCage(string word)
    {
        bool isCage = WildcardPattern.ContainsWildcardCharacters(word);
        Try(word, () => isCage |= Engine.Store.FindAll(word).Count > 0);
        return isCage;
    }
}
