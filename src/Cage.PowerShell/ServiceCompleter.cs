using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using Cage.Engine;
using Cage.Engine.Store;

namespace Cage.PowerShell;

/// <summary>Completes names of services and logs, those of the cage that is named before, or of all.</summary>
public sealed class CageServiceCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        ArgumentNullException.ThrowIfNull(wordToComplete);
        string begun = wordToComplete.Trim('\'', '"');
        string? cage = fakeBoundParameters?["Name"] is object named ? Values.Text(named) : null;
        return Names(cage).Where(name => name.StartsWith(begun, StringComparison.OrdinalIgnoreCase)).Distinct().Order(StringComparer.Ordinal).Select(name => new CompletionResult(name));
    }

    private static IReadOnlyList<string> Names(string? cage)
    {
        try
        {
            CageStore store = new(StoreSettings.Load());
            WildcardPattern pattern = new(cage ?? "*");
            return [.. store.ReadAll().Where(record => pattern.IsMatch(record.Name)).SelectMany(CageLog.Of).Select(log => log.Name)];
        }
        catch (Exception e) when (Errors.Of(e, null) is not null)
        {
            return [];
        }
    }
}
