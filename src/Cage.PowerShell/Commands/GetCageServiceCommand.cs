using System.Management.Automation;
using Cage.Engine;
using Cage.Engine.Services;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Get-CageService: the background services of cages, those that have ended included.</summary>
[Cmdlet(VerbsCommon.Get, "CageService", DefaultParameterSetName = NameSet)]
[OutputType(typeof(CageService))]
public sealed class GetCageServiceCommand : CageQueryCmdlet
{
    /// <summary>Only the services with these names.</summary>
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(CageServiceCompleter))]
    public string[] ServiceName { get; set; } = ["*"];

    private protected override void Act(CageInfo cage) => WriteObject(Find(cage, ServiceName), enumerateCollection: true);

    /// <summary>The services of a cage that names or wildcards mean.</summary>
    /// <exception cref="CageException">CageNotFound: none has that very name.</exception>
    internal static IReadOnlyList<CageService> Find(CageInfo cage, IEnumerable<string> names)
    {
        IReadOnlyList<CageService> all = CageEngine.GetServices(cage);
        return [.. names.SelectMany(name =>
        {
            WildcardPattern pattern = new(name);
            CageService[] found = [.. all.Where(service => pattern.IsMatch(service.Name))];
            return found.Length > 0 || WildcardPattern.ContainsWildcardCharacters(name) ? found : throw new CageException(
                CageError.CageNotFound, $"\"{cage.Name}\" has no service \"{name}\".", $"It has {string.Join(", ", all.Select(service => service.Name).DefaultIfEmpty("none"))}.", name);
        }).Distinct()];
    }
}
