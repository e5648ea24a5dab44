using System.Globalization;

namespace Cage.Engine.Store;

/// <summary>One line of what a cage's own <c>/dev</c> has besides the usual nodes, or has otherwise, in the manner of devfs.rules(5): <c>NAME[:OPTION,…]</c>.
/// A later line overrules an earlier one. [002]</summary>
/// <param name="Name">Below /dev, with <c>*</c> and <c>?</c>; <c>@LIST</c> stands for the lines of <c>devices/LIST.conf</c> below the tool folder.</param>
public sealed record DeviceRule(string Name)
{
    /// <summary>The one name that is no device: the socket on which the host's syslog or journal listens.</summary>
    internal const string Log = "log";

    private const uint AllPermissions = 0x1ff;

    /// <summary>Whether it is taken away.</summary>
    public bool Hides { get; init; }

    /// <summary>Its permission bits; null for the host's.</summary>
    public uint? Mode { get; init; }

    /// <summary>Its owner; null for the host's.</summary>
    public uint? Uid { get; init; }

    /// <summary>Its group; null for the host's.</summary>
    public uint? Gid { get; init; }

    /// <summary>The list that it stands for; null where it is a rule of its own.</summary>
    public string? List => Name.StartsWith('@') ? Name[1..] : null;

    /// <summary>Whether it stands for as many as there are, none included.</summary>
    internal bool IsPattern => Name.AsSpan().IndexOfAny('*', '?') >= 0;

    /// <summary>Understands one as it is written; <c>\:</c> stands for a colon in a name.</summary>
    /// <exception cref="FormatException">With what is wrong with it.</exception>
    public static DeviceRule Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<string> parts = CageBind.Split(text);
        if (parts.Count > 2) throw new FormatException("it is not NAME or NAME:OPTION,…");
        DeviceRule rule = new(parts[0]);
        if (rule.List is string list && (list.Length == 0 || list.Contains('/') || parts.Count > 1)) throw new FormatException("a list is named by a word, without options");
        if (rule.Name.Split('/').Any(part => part is "" or "." or "..")) throw new FormatException("it is no name below /dev");
        if (rule.Name.Any(char.IsControl)) throw new FormatException("it has a control character");
        foreach (string option in parts.Count == 2 ? parts[1].Split(',') : []) rule = rule.With(option);
        if (rule.Hides && rule is not { Mode: null, Uid: null, Gid: null }) throw new FormatException("what is hidden has no mode and no owner");
        if (rule.Name == Log && rule is not { Mode: null, Uid: null, Gid: null }) throw new FormatException("the host's socket has the mode and owner that it has on the host");
        return rule;
    }

    private DeviceRule With(string option) => option.Split('=', 2) switch
    {
        ["hide"] => this with { Hides = true },
        ["mode", { Length: 3 or 4 } mode] when mode.All(c => c is >= '0' and <= '7') && Convert.ToUInt32(mode, 8) is <= AllPermissions and var bits => this with { Mode = bits },
        ["uid", var uid] when Number(uid) is uint number => this with { Uid = number },
        ["gid", var gid] when Number(gid) is uint number => this with { Gid = number },
        _ => throw new FormatException($"\"{option}\" is none of hide, mode=OCTAL, uid=NUMBER, gid=NUMBER"),
    };

    private static uint? Number(string text) => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number) && number != uint.MaxValue ? number : null;
}
