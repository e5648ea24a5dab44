using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using Cage.Engine.Roots;
using Cage.Engine.Store;

namespace Cage.PowerShell;

/// <summary>Completes from a list of words. Nothing is offered where it cannot be had: completion has no place for errors.</summary>
public abstract class WordCompleter : IArgumentCompleter
{
    private protected WordCompleter()
    {
    }

    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        ArgumentNullException.ThrowIfNull(wordToComplete);
        try
        {
            return [.. Words(wordToComplete).Where(offer => offer.Word.StartsWith(wordToComplete, StringComparison.Ordinal))
                .Select(offer => new CompletionResult(offer.Word, offer.Word, CompletionResultType.ParameterValue, offer.Tip.Length > 0 ? offer.Tip : offer.Word))];
        }
        catch (Exception e) when (Errors.Of(e, null) is not null)
        {
            return [];
        }
    }

    private protected abstract IEnumerable<(string Word, string Tip)> Words(string begun);
}

/// <summary>Completes names of packs.</summary>
public sealed class PackCompleter : WordCompleter
{
    private protected override IEnumerable<(string Word, string Tip)> Words(string begun) =>
        PackCatalog.Load(StoreSettings.Load()).All.Select(pack => (pack.Name, pack.Summary));
}

/// <summary>Completes names of the host's commands.</summary>
public sealed class HostCommandCompleter : WordCompleter
{
    private protected override IEnumerable<(string Word, string Tip)> Words(string begun) => begun.Length == 0 || begun.Contains('/')
        ? []
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, begun + "*")).Select(path => (Word: Path.GetFileName(path), Tip: path))
            .DistinctBy(offer => offer.Word).OrderBy(offer => offer.Word, StringComparer.Ordinal);
}
