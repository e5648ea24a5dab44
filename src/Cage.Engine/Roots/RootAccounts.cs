using System.Globalization;
using System.Text;
using Cage.Interop;

namespace Cage.Engine.Roots;

/// <summary>Which of the host's accounts go into a cage.</summary>
public sealed record AccountQuery
{
    /// <summary>Names of users or groups.</summary>
    public IReadOnlyCollection<string> Names { get; init; } = [];

    /// <summary>The least uid; null for no range.</summary>
    public uint? MinimumUid { get; init; }

    /// <summary>The greatest uid, where there is a range.</summary>
    public uint MaximumUid { get; init; } = uint.MaxValue;

    internal bool Takes(string name, uint uid) => Names.Contains(name) || (MinimumUid is uint least && uid >= least && uid <= MaximumUid);
}

/// <summary>An account as it is in a cage now.</summary>
/// <param name="Name">The login name.</param>
/// <param name="UserId">Its number.</param>
/// <param name="GroupId">Its own group's number.</param>
/// <param name="Home">Its home folder.</param>
/// <param name="Shell">Its shell: one that is in the cage.</param>
/// <param name="Groups">The names of the groups that it is in.</param>
public sealed record CageAccount(string Name, uint UserId, uint GroupId, string Home, string Shell, IReadOnlyList<string> Groups)
{
    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>Takes accounts of the host's into a root: passwd and group, without passwords, and no shadow. What is in there already stays. [003]</summary>
internal sealed class RootAccounts
{
    /// <summary>What is noted as the reason for accounts that were asked for.</summary>
    public const string Asked = "account";

    public const string PasswdPath = "/etc/passwd", GroupPath = "/etc/group";

    private const string NoPassword = "*";

    private readonly List<string[]> _users, _groups;
    private readonly RootView _cage;

    private RootAccounts(RootView cage)
    {
        _cage = cage;
        _users = Lines(cage, PasswdPath, 7);
        _groups = Lines(cage, GroupPath, 4);
    }

    /// <summary>Adds the accounts, and says which of them the cage has then.</summary>
    /// <param name="writer">Writes them.</param>
    /// <param name="cage">The root.</param>
    /// <param name="query">Which.</param>
    /// <param name="reason">Why, for the record.</param>
    public static IReadOnlyList<CageAccount> Copy(RootWriter writer, RootView cage, AccountQuery query, string reason)
    {
        RootAccounts accounts = new(cage);
        using RootView host = new("/");
        List<string[]> chosen = [.. Lines(host, PasswdPath, 7).Where(user => uint.TryParse(user[2], NumberStyles.None, CultureInfo.InvariantCulture, out uint uid) && query.Takes(user[0], uid))];
        bool changed = accounts.Add(chosen, Lines(host, GroupPath, 4), query);
        if (changed)
        {
            writer.PutMade(PasswdPath, Text(accounts._users), reason);
            writer.PutMade(GroupPath, Text(accounts._groups), reason);
        }
        return [.. chosen.Select(user => accounts.Describe(user[0]))];
    }

    private bool Add(List<string[]> chosen, List<string[]> hostGroups, AccountQuery query)
    {
        bool changed = false;
        foreach (string[] user in chosen)
        {
            if (_users.Exists(there => there[0] == user[0])) continue;
            _users.Add([user[0], NoPassword, user[2], user[3], user[4], user[5], Shell(user[6])]);
            changed = true;
        }
        // Of groups, those alone that have to do with the users inside.
        foreach (string[] group in hostGroups)
        {
            string[] members = [.. group[3].Split(',').Where(member => _users.Exists(user => user[0] == member))];
            bool isRelated = members.Length > 0 || _users.Exists(user => user[3] == group[2]) || query.Names.Contains(group[0]);
            string[]? there = _groups.Find(other => other[0] == group[0]);
            if (there is null && isRelated)
            {
                _groups.Add([group[0], NoPassword, group[2], string.Join(',', members)]);
                changed = true;
            }
            else if (there is not null && members.Except(there[3].Split(',')).ToArray() is { Length: > 0 } added)
            {
                there[3] = string.Join(',', there[3].Split(',', StringSplitOptions.RemoveEmptyEntries).Concat(added));
                changed = true;
            }
        }
        return changed;
    }

    /// <summary>The user's shell where it is in the cage; else sh for one who has a shell to log in with. One that is to have none gets none here either.</summary>
    private string Shell(string shell)
    {
        if (shell.StartsWith('/') && _cage.Find(shell).IsFile) return shell;
        bool logsIn = Path.GetFileName(shell) is not ("nologin" or "false");
        return logsIn && _cage.Find("/bin/sh").IsFile ? "/bin/sh" : "/usr/sbin/nologin";
    }

    private CageAccount Describe(string name)
    {
        string[] user = _users.First(there => there[0] == name);
        return new CageAccount(
            name, uint.Parse(user[2], CultureInfo.InvariantCulture), uint.TryParse(user[3], CultureInfo.InvariantCulture, out uint gid) ? gid : 0, user[5], user[6],
            [.. _groups.Where(group => group[2] == user[3] || group[3].Split(',').Contains(name)).Select(group => group[0])]);
    }

    private static List<string[]> Lines(RootView root, string path, int fields) =>
        [.. (root.TryReadText(path) ?? "").Split('\n').Select(line => line.Split(':')).Where(line => line.Length >= fields && line[0].Length > 0 && !line[0].StartsWith('#'))];

    private static byte[] Text(List<string[]> lines) => PathText.Encode(string.Concat(lines.Select(line => string.Join(':', line) + "\n")));
}
