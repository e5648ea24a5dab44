using System.Globalization;
using System.Text;
using Cage.Interop;

namespace Cage.Engine.Runtime;

/// <summary>A user as the cage's own passwd and group files have it, read by us: no NSS of the host or the cage is asked (passwd(5), group(5)).</summary>
/// <param name="Name">The login name.</param>
/// <param name="Identity">What the kernel needs.</param>
/// <param name="Home">The home folder.</param>
/// <param name="Shell">The login shell.</param>
internal sealed record Account(string Name, Identity Identity, string Home, string Shell)
{
    private const int SizeLimit = 16 << 20;

    /// <summary>Finds a user by <c>name</c>, <c>uid</c>, <c>name:group</c> or <c>uid:gid</c>; root by default.</summary>
    /// <param name="root">The cage's root.</param>
    /// <param name="user">Which.</param>
    /// <param name="group">A group, name or number, where <paramref name="user"/> names none; the only one then.</param>
    /// <exception cref="CageException">CageArgumentInvalid: no such user or group in the cage, or two groups.</exception>
    public static Account Find(Descriptor root, string? user, string? group = null)
    {
        string[] parts = (user ?? "0").Split(':', 2);
        if (group is not null)
            parts = parts.Length == 1 ? [parts[0], group] : throw new CageException(CageError.CageArgumentInvalid, $"\"{user}\" names a group already, and \"{group}\" is another.", "Leave one out.", user);
        List<string[]> users = Lines(root, "etc/passwd", 7), groups = Lines(root, "etc/group", 4);
        string[]? entry = users.Find(fields => fields[0] == parts[0]) ?? (Number(parts[0]) is uint wanted ? users.Find(fields => Number(fields[2]) == wanted) : null);
        uint uid = Number(entry is null ? parts[0] : entry[2]) ?? throw Missing("user", parts[0]);
        string name = entry?[0] ?? (uid == 0 ? "root" : parts[0]);
        uint gid = parts.Length == 2 ? Group(groups, parts[1]) : entry is null ? uid : Number(entry[3]) ?? throw Missing("group", entry[3]);
        List<uint> others = parts.Length == 2 ? [] : groups.FindAll(fields => fields[3].Split(',').Contains(name)).ConvertAll(fields => Number(fields[2]) ?? gid);
        string home = entry is null || entry[5].Length == 0 ? uid == 0 ? "/root" : "/" : entry[5];
        string shell = entry is null || entry[6].Length == 0 ? "/bin/sh" : entry[6];
        return new Account(name, new Identity(uid, gid, [.. others.Append(gid).Distinct()]), home, shell);
    }

    /// <summary>The names of all users that passwd lists.</summary>
    public static IReadOnlyList<string> Names(Descriptor root) => [.. Lines(root, "etc/passwd", 7).Select(fields => fields[0])];

    private static uint Group(List<string[]> groups, string group) =>
        groups.Find(fields => fields[0] == group) is string[] named ? Number(named[2]) ?? throw Missing("group", group) : Number(group) ?? throw Missing("group", group);

    private static List<string[]> Lines(Descriptor root, string path, int fields)
    {
        try
        {
            using Descriptor? file = Files.TryOpenInRoot(root, path, Files.O_RDONLY | Files.O_NONBLOCK);
            if (file is null || !Files.Status(file).IsRegular) return [];
            return [.. Encoding.UTF8.GetString(Files.ReadAll(file, SizeLimit)).Split('\n').Select(line => line.Split(':')).Where(line => line.Length >= fields)];
        }
        catch (LinuxException)
        {
            // A link that leads nowhere or out, a file without end: what somebody inside has made of it must not keep root from repairing it.
            return [];
        }
    }

    /// <summary>A number, but not the one that means "as it is" to setresuid(2): that would be ours.</summary>
    private static uint? Number(string text) => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number) && number != uint.MaxValue ? number : null;

    private static CageException Missing(string what, string name) =>
        new(CageError.CageArgumentInvalid, $"There is no {what} \"{name}\" in the cage.", $"Its /etc/{(what == "user" ? "passwd" : "group")} lists them; a number works too.", name);
}
