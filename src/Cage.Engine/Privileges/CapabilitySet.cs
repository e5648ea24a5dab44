using Cage.Interop;

namespace Cage.Engine.Privileges;

/// <summary>What root in a Jail keeps of its capabilities (capabilities(7)).</summary>
/// <remarks>
/// <para>Kept: what an installation, a service that changes its user and a package manager need within the cage's own files and processes.
/// CHOWN, DAC_OVERRIDE, FOWNER, FSETID, SETFCAP: owners and modes of its files; file capabilities go no further than the bounding set.
/// KILL: its processes; there are no others. SETUID, SETGID, SETPCAP: to become somebody with less. NET_BIND_SERVICE: ports below 1024. SYS_CHROOT: a service's
/// own chroot; what breaks out of that is still in the cage.</para>
/// <para>Not kept, of what others keep: NET_RAW (sniffs and forges on a network that is the host's by default; ping works without, by
/// net.ipv4.ping_group_range), AUDIT_WRITE (the host's audit log), MKNOD (the host's disks).</para>
/// </remarks>
internal static class CapabilitySet
{
    /// <summary>The word for all of them.</summary>
    public const string All = "ALL";

    private static readonly Capability[] _kept =
    [
        Capability.CAP_CHOWN, Capability.CAP_DAC_OVERRIDE, Capability.CAP_FOWNER, Capability.CAP_FSETID, Capability.CAP_KILL, Capability.CAP_SETGID,
        Capability.CAP_SETUID, Capability.CAP_SETPCAP, Capability.CAP_NET_BIND_SERVICE, Capability.CAP_SYS_CHROOT, Capability.CAP_SETFCAP,
    ];

    /// <summary>The default, a bit each.</summary>
    public static ulong Default { get; } = Of(_kept);

    /// <summary>The one that an init needs: to end what runs.</summary>
    public static ulong OfInit { get; } = Of(Capability.CAP_KILL);

    /// <summary>The default, with some added and others dropped. ALL dropped begins with none, ALL added with every one.</summary>
    public static ulong Of(IReadOnlyList<string> added, IReadOnlyList<string> dropped)
    {
        ulong set = dropped.Contains(All) ? 0 : added.Contains(All) ? Capabilities.All : Default;
        return (set & ~Bits(dropped)) | Bits(added);
    }

    /// <summary>The names without CAP_, in the order of their numbers; ALL for all.</summary>
    public static IReadOnlyList<string> Names(ulong set) =>
        set == Capabilities.All ? [All] : Array.ConvertAll([.. Capabilities.Bits(set)], capability => Capabilities.Name(capability)["CAP_".Length..]);

    /// <summary>As it stands in a cage.conf: upper case, without CAP_; null when there is no such capability.</summary>
    public static string? Normal(string name) =>
        name.Equals(All, StringComparison.OrdinalIgnoreCase) ? All : Capabilities.TryParse(name, out Capability capability) ? Capabilities.Name(capability)["CAP_".Length..] : null;

    private static ulong Bits(IReadOnlyList<string> names)
    {
        ulong bits = 0;
        foreach (string name in names)
            if (Capabilities.TryParse(name, out Capability capability)) bits |= Of(capability);
        return bits;
    }

    private static ulong Of(params Capability[] capabilities)
    {
        ulong bits = 0;
        foreach (Capability capability in capabilities) bits |= 1UL << (int)capability;
        return bits;
    }
}
