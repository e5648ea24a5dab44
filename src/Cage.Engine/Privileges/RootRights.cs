using Cage.Interop;

namespace Cage.Engine.Privileges;

/// <summary>What a caller lacks to whom the kernel says EPERM or EACCES: to be root, or what root has everywhere but in a container, a Jail or a service whose capabilities are bounded.</summary>
internal static class RootRights
{
    private static readonly Capability[] _needed =
    [
        Capability.CAP_SYS_ADMIN, Capability.CAP_SYS_CHROOT, Capability.CAP_SYS_PTRACE, Capability.CAP_SETPCAP, Capability.CAP_SETUID, Capability.CAP_SETGID, Capability.CAP_CHOWN,
        Capability.CAP_DAC_OVERRIDE, Capability.CAP_FOWNER, Capability.CAP_KILL, Capability.CAP_MKNOD,
    ];

    /// <summary>What to do about it; null where nothing is lacking, so that something else forbids it.</summary>
    public static string? Advice()
    {
        if (Host.EffectiveUser != 0) return "Run it as root, with sudo for instance.";
        Capability[] missing = Array.FindAll(_needed, capability => !Capabilities.Has(capability));
        return missing.Length == 0 ? null : $"Root lacks {string.Join(", ", Array.ConvertAll(missing, Capabilities.Name))} here (capabilities(7)), as in a container or a Jail: run it where root has all.";
    }
}
