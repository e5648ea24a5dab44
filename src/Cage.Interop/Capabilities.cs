using System.Globalization;
using System.Runtime.InteropServices;

namespace Cage.Interop;

#pragma warning disable CS1591 // capabilities(7) documents each.
/// <summary>The capabilities, by the numbers that the kernel has for them (capabilities(7)).</summary>
public enum Capability
{
    CAP_CHOWN = 0,
    CAP_DAC_OVERRIDE = 1,
    CAP_DAC_READ_SEARCH = 2,
    CAP_FOWNER = 3,
    CAP_FSETID = 4,
    CAP_KILL = 5,
    CAP_SETGID = 6,
    CAP_SETUID = 7,
    CAP_SETPCAP = 8,
    CAP_LINUX_IMMUTABLE = 9,
    CAP_NET_BIND_SERVICE = 10,
    CAP_NET_BROADCAST = 11,
    CAP_NET_ADMIN = 12,
    CAP_NET_RAW = 13,
    CAP_IPC_LOCK = 14,
    CAP_IPC_OWNER = 15,
    CAP_SYS_MODULE = 16,
    CAP_SYS_RAWIO = 17,
    CAP_SYS_CHROOT = 18,
    CAP_SYS_PTRACE = 19,
    CAP_SYS_PACCT = 20,
    CAP_SYS_ADMIN = 21,
    CAP_SYS_BOOT = 22,
    CAP_SYS_NICE = 23,
    CAP_SYS_RESOURCE = 24,
    CAP_SYS_TIME = 25,
    CAP_SYS_TTY_CONFIG = 26,
    CAP_MKNOD = 27,
    CAP_LEASE = 28,
    CAP_AUDIT_WRITE = 29,
    CAP_AUDIT_CONTROL = 30,
    CAP_SETFCAP = 31,
    CAP_MAC_OVERRIDE = 32,
    CAP_MAC_ADMIN = 33,
    CAP_SYSLOG = 34,
    CAP_WAKE_ALARM = 35,
    CAP_BLOCK_SUSPEND = 36,
    CAP_AUDIT_READ = 37,
    CAP_PERFMON = 38,
    CAP_BPF = 39,
    CAP_CHECKPOINT_RESTORE = 40,
}
#pragma warning restore CS1591

/// <summary>What the calling thread may do (capabilities(7)). Capabilities are a thread's, not a process's.</summary>
public static unsafe partial class Capabilities
{
    private const uint _LINUX_CAPABILITY_VERSION_3 = 0x20080522;
    private const string Prefix = "CAP_";

    // By hand: the names of an enumeration cost a tenth of a millisecond of reflection at a start.
    private static readonly string[] _names =
    [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP",
        "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER",
        "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE",
        "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP",
        "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF",
        "CAP_CHECKPOINT_RESTORE",
    ];

    /// <summary>All that have a name here, a bit each.</summary>
    public static ulong All => (1UL << _names.Length) - 1;

    /// <summary>Those in a set of bits, in the order of their numbers.</summary>
    public static IReadOnlyList<Capability> Bits(ulong set)
    {
        List<Capability> bits = [];
        for (int number = 0; number < 64; number++)
            if ((set >> number & 1) != 0) bits.Add((Capability)number);
        return bits;
    }

    /// <summary>The effective set of the calling thread: capability n is bit n (capget(2)).</summary>
    public static ulong ReadEffective()
    {
        Header header = new() { Version = _LINUX_CAPABILITY_VERSION_3 };
        Data* data = stackalloc Data[2];
        Check.Result(capget(&header, data), "capget");
        return ((ulong)data[1].Effective << 32) | data[0].Effective;
    }

    /// <summary>Whether the calling thread has <paramref name="capability"/> in effect (capget(2)).</summary>
    public static bool Has(Capability capability) => (ReadEffective() >> (int)capability & 1) != 0;

    /// <summary>The name, such as <c>CAP_SYS_ADMIN</c>; the number for one newer than this table, as capsh(1) has it.</summary>
    public static string Name(Capability capability) =>
        (uint)capability < _names.Length ? _names[(int)capability] : ((int)capability).ToString(CultureInfo.InvariantCulture);

    /// <summary>Finds a capability by name, in either case, with or without <c>CAP_</c>.</summary>
    /// <returns>False where there is none of that name.</returns>
    public static bool TryParse(ReadOnlySpan<char> name, out Capability capability)
    {
        ReadOnlySpan<char> bare = name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) ? name[Prefix.Length..] : name;
        for (int i = 0; i < _names.Length; i++)
        {
            if (!bare.Equals(_names[i].AsSpan(Prefix.Length), StringComparison.OrdinalIgnoreCase)) continue;
            capability = (Capability)i;
            return true;
        }
        capability = default;
        return false;
    }

    /// <summary>As <see cref="TryParse(ReadOnlySpan{char}, out Capability)"/>, of ASCII bytes.</summary>
    public static bool TryParse(ReadOnlySpan<byte> name, out Capability capability)
    {
        Span<char> text = stackalloc char[64];
        capability = default;
        return name.Length <= text.Length && TryParse(text[..System.Text.Encoding.ASCII.GetChars(name, text)], out capability);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Header
    {
        public uint Version;
        public int ThreadId;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Data
    {
        public uint Effective, Permitted, Inheritable;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int capget(Header* header, Data* data);
}
