using Cage.Engine.Privileges;

namespace Cage.Engine.Store;

/// <summary>Whether a Jail's system calls are filtered (key <c>seccomp</c>).</summary>
public enum SystemCallMode
{
    /// <summary>By the table of Cage, with the cage's own exceptions.</summary>
    Default,

    /// <summary>Not at all.</summary>
    Off,
}

/// <summary>Whether set-user-ID programs and file capabilities work in a Jail (key <c>setuid</c>).</summary>
public enum SetuidMode
{
    /// <summary>They do not: no_new_privs, and nosuid on its root.</summary>
    Deny,

    /// <summary>They do, within the bounding set: sudo, su and passwd need it.</summary>
    Allow,
}

/// <summary>Which abstract sockets a Jail reaches on a network that it shares (key <c>sockets</c>; unix(7)).</summary>
public enum SocketView
{
    /// <summary>Those that the same command, or what it has started, has made.</summary>
    Own,

    /// <summary>All that are there, the host's too.</summary>
    Host,
}

/// <summary>What root in a Jail may do, where it is not the default.</summary>
public sealed record CagePrivileges
{
    private const string CapabilityKey = "capability", SystemCallKey = "seccomp", SetuidKey = "setuid", SocketKey = "sockets", UsersKey = "userns", Off = "off";

    /// <summary>Capabilities besides the default ones: names without CAP_, or ALL.</summary>
    public IReadOnlyList<string> CapabilityAdd { get; init; } = [];

    /// <summary>Capabilities that it is not to have; ALL begins with none.</summary>
    public IReadOnlyList<string> CapabilityDrop { get; init; } = [];

    /// <summary>Whether system calls are filtered.</summary>
    public SystemCallMode SystemCalls { get; init; }

    /// <summary>System calls that are allowed besides, by name.</summary>
    public IReadOnlyList<string> SystemCallAllow { get; init; } = [];

    /// <summary>System calls that are denied besides, by name.</summary>
    public IReadOnlyList<string> SystemCallDeny { get; init; } = [];

    /// <summary>Whether set-user-ID programs work.</summary>
    public SetuidMode Setuid { get; init; }

    /// <summary>Which abstract sockets it reaches.</summary>
    public SocketView Sockets { get; init; }

    /// <summary>The host's ids that its own stand for, so that its root is nobody outside; null where they are the host's.</summary>
    public IdRange? UserNamespace { get; init; }

    /// <summary>Whether nothing is other than by default.</summary>
    public bool IsDefault => IsSameAs(new CagePrivileges());

    /// <summary>Whether both mean the same.</summary>
    public bool IsSameAs(CagePrivileges other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Setuid == other.Setuid && Sockets == other.Sockets && SystemCalls == other.SystemCalls && UserNamespace == other.UserNamespace &&
            CapabilityAdd.SequenceEqual(other.CapabilityAdd) && CapabilityDrop.SequenceEqual(other.CapabilityDrop) &&
            SystemCallAllow.SequenceEqual(other.SystemCallAllow) && SystemCallDeny.SequenceEqual(other.SystemCallDeny);
    }

    /// <summary>With every name as it stands in a cage.conf.</summary>
    /// <exception cref="CageException">CageArgumentInvalid: there is no such capability or system call, or they contradict each other.</exception>
    public CagePrivileges Checked() => !NamesAny && UserNamespace is null ? this
        : (CapabilityProblem() ?? SystemCallProblem() ?? UsersProblem()) is string problem ? throw new CageException(CageError.CageArgumentInvalid, $"{problem}.")
        : this with { CapabilityAdd = [.. CapabilityAdd.Select(name => CapabilitySet.Normal(name)!)], CapabilityDrop = [.. CapabilityDrop.Select(name => CapabilitySet.Normal(name)!)] };

    internal static CagePrivileges From(ConfFile file)
    {
        string[] capabilities = [.. file.Values(CapabilityKey)], calls = [.. file.Values(SystemCallKey)];
        bool off = calls is [Off];
        foreach (string value in capabilities) Sign(file, CapabilityKey, value);
        if (!off)
            foreach (string value in calls) Sign(file, SystemCallKey, value);
        CagePrivileges privileges = new()
        {
            CapabilityAdd = Signed(capabilities, '+'),
            CapabilityDrop = Signed(capabilities, '-'),
            SystemCalls = off ? SystemCallMode.Off : SystemCallMode.Default,
            SystemCallAllow = Signed(calls, '+'),
            SystemCallDeny = Signed(calls, '-'),
            Setuid = (SetuidMode)CageRecord.Word(file, SetuidKey, Words.Setuids),
            Sockets = (SocketView)CageRecord.Word(file, SocketKey, Words.Sockets),
            UserNamespace = Users(file),
        };
        if (!privileges.NamesAny) return privileges;
        if (privileges.CapabilityProblem() is string capability) throw file.Invalid(CapabilityKey, $"is wrong: {capability}");
        if (privileges.SystemCallProblem() is string call) throw file.Invalid(SystemCallKey, $"is wrong: {call}");
        return privileges.Checked();
    }

    internal void WriteTo(ConfFile file)
    {
        file.Set(CapabilityKey, CapabilityValues);
        file.Set(SystemCallKey, SystemCallValues);
        if (Setuid != SetuidMode.Deny || file.Value(SetuidKey) is not null) file.Set(SetuidKey, Setuid.Word());
        if (UserNamespace is not null || file.Value(UsersKey) is not null) file.Set(UsersKey, UserNamespace?.ToString());
        if (Sockets != SocketView.Own || file.Value(SocketKey) is not null) file.Set(SocketKey, Sockets.Word());
    }

    /// <summary>What is other than by default but for the user namespace, as a cage.conf has it.</summary>
    public override string ToString()
    {
        List<string> texts = [.. CapabilityValues.Select(value => $"{CapabilityKey}={value}"), .. SystemCallValues.Select(value => $"{SystemCallKey}={value}")];
        if (Setuid != SetuidMode.Deny) texts.Add($"{SetuidKey}={Setuid.Word()}");
        if (Sockets != SocketView.Own) texts.Add($"{SocketKey}={Sockets.Word()}");
        return string.Join(' ', texts);
    }

    private string[] CapabilityValues => [.. CapabilityDrop.Select(name => $"-{name}"), .. CapabilityAdd.Select(name => $"+{name}")];

    private string[] SystemCallValues =>
        SystemCalls == SystemCallMode.Off ? [Off] : [.. SystemCallDeny.Select(name => $"-{name}"), .. SystemCallAllow.Select(name => $"+{name}")];

    private static string[] Signed(string[] values, char sign) => Array.ConvertAll(Array.FindAll(values, value => value[0] == sign), value => value[1..]);

    private static void Sign(ConfFile file, string key, string value)
    {
        if (value.Length < 2 || value[0] is not ('+' or '-')) throw file.Invalid(key, $"is \"{value}\"", advice: $"A line each: {key}=+NAME or {key}=-NAME{(key == SystemCallKey ? ", or off alone" : "")}.");
    }

    private static IdRange? Users(ConfFile file)
    {
        try
        {
            return file.Value(UsersKey) is string value ? IdRange.Parse(value) : null;
        }
        catch (FormatException e)
        {
            throw file.Invalid(UsersKey, $"is \"{file.Value(UsersKey)}\": {e.Message}", advice: $"{Face.Call("cage set NAME --userns=auto", "Set-Cage NAME -UserNamespace auto")} gives it a range of its own.");
        }
    }

    private bool NamesAny => CapabilityAdd.Count + CapabilityDrop.Count + SystemCallAllow.Count + SystemCallDeny.Count > 0;

    private string? UsersProblem() => UserNamespace?.Problem() is string problem ? $"The ids {UserNamespace} cannot be: {problem}" : null;

    private string? CapabilityProblem()
    {
        foreach (string name in CapabilityAdd.Concat(CapabilityDrop))
            if (CapabilitySet.Normal(name) is null) return $"there is no capability \"{name}\" (capabilities(7) lists them; ALL means every one)";
        return CapabilityAdd.Select(CapabilitySet.Normal).Intersect(CapabilityDrop.Select(CapabilitySet.Normal)).FirstOrDefault() is string both ? $"{both} is both added and dropped" : null;
    }

    private string? SystemCallProblem()
    {
        foreach (string name in SystemCallAllow.Concat(SystemCallDeny))
            if (!SystemCallFilter.IsKnown(name)) return $"there is no system call \"{name}\" (syscalls(2) lists them)";
        return SystemCallAllow.Intersect(SystemCallDeny).FirstOrDefault() is string both ? $"{both} is both allowed and denied"
            : SystemCalls == SystemCallMode.Off && SystemCallAllow.Count + SystemCallDeny.Count > 0 ? "a filter that is off allows and denies nothing" : null;
    }
}
