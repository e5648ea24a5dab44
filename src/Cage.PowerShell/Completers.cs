using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using Cage.Engine;
using Cage.Engine.Runtime;
using Cage.Engine.Snapshots;
using Cage.Engine.State;
using Cage.Engine.Store;

namespace Cage.PowerShell;

/// <summary>Completes what stands for a cage. Nothing is offered where the store cannot be read: completion has no place for errors.</summary>
public abstract class CageCompleter : IArgumentCompleter
{
    private protected CageCompleter()
    {
    }

    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        ArgumentNullException.ThrowIfNull(wordToComplete);
        string begun = wordToComplete.Trim('\'', '"');
        return IsWanted(commandAst, wordToComplete)
            ? Cages().Select(cage => (Cage: cage, Text: Text(cage))).Where(offer => offer.Text.StartsWith(begun, StringComparison.OrdinalIgnoreCase))
                .DistinctBy(offer => offer.Text).Select(offer => Result(offer.Cage, offer.Text))
            : [];
    }

    /// <summary>What is typed for a cage.</summary>
    private protected abstract string Text(CageInfo cage);

    private protected virtual bool IsWanted(CommandAst command, string word) => true;

    private protected virtual bool Fits(CageInfo cage) => true;

    private List<CageInfo> Cages()
    {
        try
        {
            CageStore store = new(StoreSettings.Load());
            return [.. store.ReadAll().Select(record => CageInfo.Of(store.Settings, record)).Where(Fits)];
        }
        catch (Exception e) when (Errors.Of(e, null) is not null)
        {
            return [];
        }
    }

    private static CompletionResult Result(CageInfo cage, string text)
    {
        bool isPlain = text.All(c => char.IsLetterOrDigit(c) || c is '-' or '_' or '.' or '/') && text[0] != '-';
        string tip = string.Join(' ', new[] { cage.Name, $"{cage.State}", $"{cage.Kind}", $"{cage.Isolation}", $"{cage.Id}" }.Where(word => word.Length > 0));
        return new CompletionResult(isPlain ? text : $"'{CodeGeneration.EscapeSingleQuotedStringContent(text)}'", text, CompletionResultType.ParameterValue, tip);
    }
}

/// <summary>Completes names of cages.</summary>
public class CageNameCompleter : CageCompleter
{
    private protected override string Text(CageInfo cage) => WildcardPattern.Escape(cage.Name);
}

/// <summary>Completes ids of cages.</summary>
public sealed class CageIdCompleter : CageCompleter
{
    private protected override string Text(CageInfo cage) => cage.Id.ToString("D");
}

/// <summary>Completes names of cages where no character is a wildcard.</summary>
public sealed class CageLiteralNameCompleter : CageCompleter
{
    private protected override string Text(CageInfo cage) => cage.Name;
}

/// <summary>Completes names of read-only cages, which alone can be bases.</summary>
public sealed class CageBaseCompleter : CageCompleter
{
    private protected override string Text(CageInfo cage) => cage.Name;

    private protected override bool Fits(CageInfo cage) => cage.Kind == CageKind.ReadOnly;
}

/// <summary>Completes the name that is the first word of Invoke-Cage; what follows is the command's.</summary>
public sealed class CageFirstWordCompleter : CageNameCompleter
{
    private protected override bool IsWanted(CommandAst command, string word)
    {
        ArgumentNullException.ThrowIfNull(command);
        int words = 0;
        for (int i = 1; i < command.CommandElements.Count; i++)
        {
            if (command.CommandElements[i] is not CommandParameterAst parameter) words++;
            else if (parameter.ParameterName is "Name" or "Id") return false;
            else if (parameter.Argument is null) i++;
        }
        return words == (word.Length == 0 ? 0 : 1);
    }
}

/// <summary>Completes names of snapshots.</summary>
public sealed class CageSnapshotCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        ArgumentNullException.ThrowIfNull(wordToComplete);
        return Snapshots().Where(snapshot => snapshot.Name.StartsWith(wordToComplete.Trim('\'', '"'), StringComparison.Ordinal))
            .Select(snapshot => new CompletionResult(snapshot.Name, snapshot.Name, CompletionResultType.ParameterValue, $"{snapshot.Source} {snapshot.Provider} {snapshot.Note}".Trim()));
    }

    private static IReadOnlyList<CageSnapshot> Snapshots()
    {
        try
        {
            using StageBinary stage = StageBinary.Self();
            return new CageEngine(StoreSettings.Load(), stage).Snapshots();
        }
        catch (Exception e) when (Errors.Of(e, null) is not null)
        {
            return [];
        }
    }
}

/// <summary>Completes names of users inside the running cage that the line names.</summary>
public sealed class CageUserCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        ArgumentNullException.ThrowIfNull(wordToComplete);
        ArgumentNullException.ThrowIfNull(commandAst);
        ArgumentNullException.ThrowIfNull(fakeBoundParameters);
        object? cages = fakeBoundParameters["Name"] ?? fakeBoundParameters["Id"] ?? (commandAst.CommandElements.ElementAtOrDefault(1) as StringConstantExpressionAst)?.Value;
        return Values.Words([cages]).SelectMany(Users).Distinct().Where(user => user.StartsWith(wordToComplete.Trim('\'', '"'), StringComparison.Ordinal))
            .Select(user => new CompletionResult(user, user, CompletionResultType.ParameterValue, user));
    }

    private static IReadOnlyList<string> Users(string cage)
    {
        try
        {
            using StageBinary stage = StageBinary.Self();
            CageEngine engine = new(StoreSettings.Load(), stage);
            return [.. new CageSelector(engine).Named(cage).SelectMany(engine.UsersOf)];
        }
        catch (Exception e) when (Errors.Of(e, null) is not null)
        {
            return [];
        }
    }
}
