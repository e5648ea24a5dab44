using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Privileges;

/// <summary>What a cage's privileges mean for its processes.</summary>
internal static class Confinements
{
    /// <summary>The filter that was assembled last: nearly all cages have the same one.</summary>
    private static Assembled? _last;

    /// <summary>For commands, the start and stop script among them.</summary>
    public static Confinement OfCommand(CagePrivileges privileges) => new()
    {
        Capabilities = CapabilitySet.Of(privileges.CapabilityAdd, privileges.CapabilityDrop),
        Filter = Filter(privileges),
        NoNewPrivileges = privileges.Setuid == SetuidMode.Deny,
        OwnSockets = privileges.Sockets == SocketView.Own,
    };

    /// <summary>For the init: whatever the cage's own are, it only ends processes and waits for them.</summary>
    public static Confinement OfInit(CagePrivileges privileges) => new() { Capabilities = CapabilitySet.OfInit, Filter = Filter(privileges), NoNewPrivileges = true };

    /// <summary>As a user reads it.</summary>
    public static string Describe(CagePrivileges privileges)
    {
        string[] parts =
        [
            $"keep {(string.Join(' ', CapabilitySet.Names(CapabilitySet.Of(privileges.CapabilityAdd, privileges.CapabilityDrop))) is { Length: > 0 } names ? names : "no capability")}",
            privileges.Setuid == SetuidMode.Deny ? "no new privileges" : "set-user-ID allowed",
            privileges.SystemCalls == SystemCallMode.Off ? "system calls not filtered"
                : string.Join(' ', ["system calls filtered", .. privileges.SystemCallDeny.Select(name => $"-{name}"), .. privileges.SystemCallAllow.Select(name => $"+{name}")]),
            privileges.Sockets == SocketView.Host ? "abstract sockets of the host" : Confinement.CanOwnSockets ? "own abstract sockets" : "abstract sockets of the host (they need Landlock, Linux 6.12)",
        ];
        return string.Join("; ", parts);
    }

    private static ulong[]? Filter(CagePrivileges privileges)
    {
        if (privileges.SystemCalls == SystemCallMode.Off) return null;
        if (_last is Assembled last && last.Privileges.IsSameAs(privileges)) return last.Filter;
        ulong[] filter = SystemCallFilter.Assemble(CapabilitySet.Of(privileges.CapabilityAdd, privileges.CapabilityDrop), privileges.SystemCallAllow, privileges.SystemCallDeny);
        _last = new Assembled(privileges, filter);
        return filter;
    }

    private sealed record Assembled(CagePrivileges Privileges, ulong[] Filter);
}
