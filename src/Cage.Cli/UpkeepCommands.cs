using System.Globalization;
using Cage.Engine;
using Cage.Engine.Roots;

namespace Cage.Cli;

/// <summary>cage accounts, cage check, cage update, cage clear: the upkeep of what is in a cage's root.</summary>
internal static class UpkeepCommands
{
    public static int Accounts(Arguments arguments)
    {
        AccountQuery query = new()
        {
            Names = arguments.All("--user"),
            MinimumUid = Uid(arguments, "--minimum-uid"),
            MaximumUid = Uid(arguments, "--maximum-uid") ?? uint.MaxValue,
        };
        if (query.Names.Count == 0 && query.MinimumUid is null) throw new UsageException("which accounts? --user or --minimum-uid says it");
        CageEngine engine = Commands.OpenEngine();
        IReadOnlyList<CageAccount> accounts = engine.CopyAccounts(engine.Store.Find(arguments.OneName()), query, Messages.Warning, Interruption.Watch());
        Listing.Write(arguments, accounts, ["NAME", "UID", "GID", "HOME", "SHELL", "GROUPS"], account =>
            [account.Name, $"{account.UserId}", $"{account.GroupId}", account.Home, account.Shell, string.Join(',', account.Groups)], (json, account) =>
        {
            json.WriteString("name", account.Name);
            json.WriteNumber("userId", account.UserId);
            json.WriteNumber("groupId", account.GroupId);
            json.WriteString("home", account.Home);
            json.WriteString("shell", account.Shell);
            json.WriteTexts("groups", account.Groups);
        });
        string[] unknown = [.. query.Names.Except(accounts.Select(account => account.Name))];
        if (unknown.Length == 0) return 0;
        Messages.Error($"the host has no user {string.Join(", ", unknown)}.");
        return ExitStatus.Failed;
    }

    /// <summary>Ends with 1 where there is anything to tell, so that a timer's unit fails.</summary>
    public static int Check(Arguments arguments)
    {
        CageEngine engine = Commands.OpenEngine();
        CageFinding[] findings = [.. arguments.SomeNames().SelectMany(name => engine.Test(engine.Store.Find(name)))];
        // Of a cage in order a table says nothing.
        if (findings.Length == 0 && !arguments.Has("--json")) return 0;
        Listing.Write(arguments, findings, ["CAGE", "KIND", "MESSAGE"], finding => [finding.Cage, finding.Kind.ToString(), finding.Message], (json, finding) =>
        {
            json.WriteString("cage", finding.Cage);
            json.WriteString("cageId", finding.CageId);
            json.WriteString("path", finding.Path);
            json.WriteString("kind", finding.Kind.ToString());
            json.WriteString("message", finding.Message);
        });
        return findings.Length > 0 ? ExitStatus.Failed : 0;
    }

    public static int Update(Arguments arguments)
    {
        bool force = arguments.Has("--force");
        return StateCommands.ForEach(arguments, (engine, cage, cancellation) => engine.Update(cage, force, Messages.Warning, cancellation: cancellation));
    }

    public static int Clear(Arguments arguments) => StateCommands.ForEach(arguments, (engine, cage, cancellation) => engine.ClearTemporary(cage, Messages.Warning, cancellation));

    private static uint? Uid(Arguments arguments, string option) => arguments.Value(option) is not string text ? null
        : uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint uid) ? uid : throw new UsageException($"{option} takes a number, not \"{text}\"");
}
