using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Text;
using Cage.Interop;

namespace Cage.Engine.Privileges;

/// <summary>What a system call is answered with.</summary>
internal enum SystemCallRule : byte
{
    /// <summary>ENOSYS, as by a kernel that does not have it: what the table does not know, too.</summary>
    Absent,

    /// <summary>It is made.</summary>
    Allow,

    /// <summary>EPERM.</summary>
    Deny,

    /// <summary>clone(2), but no new namespaces.</summary>
    Threads,

    /// <summary>unshare(2), but no new namespaces.</summary>
    Own,

    /// <summary>ioctl(2), but nothing that types into a terminal: it may be the caller's.</summary>
    Terminal,

    /// <summary>socket(2), but no AF_ALG and no AF_VSOCK: the kernel's ciphers, and the way to a hypervisor.</summary>
    Families,

    /// <summary>personality(2): the usual ones and the question, none that weakens memory protection.</summary>
    Personalities,
}

/// <summary>Makes the filter of a cage from <see cref="SystemCallTable"/>: a program for the kernel's classic BPF machine (seccomp(2), bpf(4)).</summary>
internal static class SystemCallFilter
{
    private const uint JMP_JEQ_K = 0x15, JMP_JGE_K = 0x35, JMP_JSET_K = 0x45;
    private const uint SECCOMP_RET_KILL_PROCESS = 0x80000000, SECCOMP_RET_ERRNO = 0x00050000, SECCOMP_RET_ALLOW = 0x7fff0000;
    private const uint AUDIT_ARCH_X86_64 = 0xc000003e, AUDIT_ARCH_AARCH64 = 0xc00000b7;

    // struct seccomp_data. Both architectures are little-endian: the low half of an argument comes first, and it is all that the kernel looks at in these.
    private const uint Number = 0, Architecture = 4, Argument0 = 16, Argument1 = 24;

    private const uint CLONE_NEW = 0x7e020000, CLONE_NEWTIME = 0x80;
    private const uint TIOCSTI = 0x5412, TIOCLINUX = 0x541c, AF_ALG = 38, AF_VSOCK = 40;
    private const int TableSize = 1024;

    private static readonly bool _isArm = RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.Arm64;

    private static readonly uint[] _personalities = [0, 8, 0x20000, 0x20008, 0xffffffff];

    /// <summary>The filter's instructions, a <c>struct sock_filter</c> each. Calls of any other ABI end the process (SIGSYS).</summary>
    /// <param name="capabilities">What the cage keeps, a bit each.</param>
    /// <param name="allowed">Names that are allowed whatever the table says.</param>
    /// <param name="denied">Names that are denied.</param>
    public static ulong[] Assemble(ulong capabilities, IReadOnlyList<string> allowed, IReadOnlyList<string> denied)
    {
        List<(uint Start, SystemCallRule Rule)> ranges = Ranges(Rules(capabilities, allowed, denied));
        FilterWriter writer = new();
        int native = writer.Load(Number, Search(writer, CollectionsMarshal.AsSpan(ranges)));
        int other = writer.Return(SECCOMP_RET_KILL_PROCESS);
        writer.Load(Architecture, writer.Compare(JMP_JEQ_K, _isArm ? AUDIT_ARCH_AARCH64 : AUDIT_ARCH_X86_64, native, other));
        return writer.Finish();
    }

    /// <summary>Whether there is a call of that name, on any architecture.</summary>
    public static bool IsKnown(string name)
    {
        SystemCallReader reader = new(SystemCallTable.Text, 0);
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        while (reader.Next())
            if (reader.Name.SequenceEqual(bytes)) return true;
        return false;
    }

    /// <summary>The rule of each number.</summary>
    internal static SystemCallRule[] Rules(ulong capabilities, IReadOnlyList<string> allowed, IReadOnlyList<string> denied)
    {
        SystemCallRule[] rules = new SystemCallRule[TableSize];
        SystemCallReader reader = new(SystemCallTable.Text, capabilities);
        while (reader.Next())
        {
            if ((_isArm ? reader.Arm64 : reader.X64) is not (>= 0 and int number)) continue;
            rules[number] = allowed.Count + denied.Count > 0 && Named(reader.Name, denied) ? SystemCallRule.Deny
                : allowed.Count > 0 && Named(reader.Name, allowed) ? SystemCallRule.Allow
                : reader.Rule;
        }
        return rules;
    }

    private static bool Named(ReadOnlySpan<byte> name, IReadOnlyList<string> names)
    {
        foreach (string candidate in names)
            if (candidate.Length == name.Length && Ascii.Equals(name, candidate)) return true;
        return false;
    }

    /// <summary>Neighbours with the same rule as one: where each begins. The last one has no end, and so all numbers of x32 (bit 30) in it.</summary>
    private static List<(uint Start, SystemCallRule Rule)> Ranges(SystemCallRule[] rules)
    {
        List<(uint Start, SystemCallRule Rule)> ranges = [];
        for (int i = 0; i < rules.Length; i++)
            if (i == 0 || rules[i] != rules[i - 1]) ranges.Add(((uint)i, rules[i]));
        return ranges;
    }

    /// <summary>A search by halves: some seven comparisons a call.</summary>
    private static int Search(FilterWriter writer, ReadOnlySpan<(uint Start, SystemCallRule Rule)> ranges)
    {
        if (ranges.Length == 1) return Answer(writer, ranges[0].Rule);
        int middle = ranges.Length / 2, above = Search(writer, ranges[middle..]), below = Search(writer, ranges[..middle]);
        return writer.Compare(JMP_JGE_K, ranges[middle].Start, above, below);
    }

    private static int Answer(FilterWriter writer, SystemCallRule rule) => rule switch
    {
        SystemCallRule.Allow => Allow(writer),
        SystemCallRule.Deny => Refuse(writer, Errno.EPERM),
        SystemCallRule.Threads => NoneOf(writer, CLONE_NEW),
        SystemCallRule.Own => NoneOf(writer, CLONE_NEW | CLONE_NEWTIME),
        SystemCallRule.Terminal => OneOf(writer, Argument1, [TIOCSTI, TIOCLINUX], Refuse(writer, Errno.EPERM), Allow(writer)),
        SystemCallRule.Families => OneOf(writer, Argument0, [AF_ALG, AF_VSOCK], Refuse(writer, Errno.EPERM), Allow(writer)),
        SystemCallRule.Personalities => OneOf(writer, Argument0, _personalities, Allow(writer), Refuse(writer, Errno.EPERM)),
        _ => Refuse(writer, Errno.ENOSYS),
    };

    private static int NoneOf(FilterWriter writer, uint flags) =>
        writer.Load(Argument0, writer.Compare(JMP_JSET_K, flags, Refuse(writer, Errno.EPERM), Allow(writer)));

    private static int OneOf(FilterWriter writer, uint argument, ReadOnlySpan<uint> values, int then, int otherwise)
    {
        foreach (uint value in values) otherwise = writer.Compare(JMP_JEQ_K, value, then, otherwise);
        return writer.Load(argument, otherwise);
    }

    private static int Allow(FilterWriter writer) => writer.Return(SECCOMP_RET_ALLOW);

    private static int Refuse(FilterWriter writer, int errno) => writer.Return(SECCOMP_RET_ERRNO | (uint)errno);
}

/// <summary>Goes through the table's text, for a cage with <paramref name="capabilities"/>.</summary>
internal ref struct SystemCallReader(ReadOnlySpan<byte> text, ulong capabilities)
{
    private readonly bool _mayMakeNamespaces = (capabilities >> (int)Capability.CAP_SYS_ADMIN & 1) != 0;

    private ReadOnlySpan<byte> _rest = text;
    private SystemCallRule _rule;

    /// <summary>The call's name.</summary>
    public ReadOnlySpan<byte> Name { get; private set; }

    /// <summary>Its number on x86-64; -1 where it has none.</summary>
    public int X64 { get; private set; }

    /// <summary>Its number on arm64; -1 where it has none.</summary>
    public int Arm64 { get; private set; }

    /// <summary>What its head says. clone3(2) is absent because of what clone(2) may not do.</summary>
    public readonly SystemCallRule Rule => _mayMakeNamespaces && Name.SequenceEqual("clone3"u8) ? SystemCallRule.Allow : _rule;

    /// <summary>Goes to the next one; false at the end.</summary>
    public bool Next()
    {
        ReadOnlySpan<byte> word = Word();
        while (word.EndsWith(":"u8))
        {
            _rule = Understand(word[..^1]);
            word = Word();
        }
        if (word.IsEmpty) return false;
        Name = word;
        X64 = Value(Word());
        Arm64 = Value(Word());
        return true;
    }

    private readonly SystemCallRule Understand(ReadOnlySpan<byte> head) =>
        head.SequenceEqual("allow"u8) ? SystemCallRule.Allow
        : head.SequenceEqual("deny"u8) ? SystemCallRule.Deny
        : head.SequenceEqual("absent"u8) ? SystemCallRule.Absent
        : head.SequenceEqual("threads"u8) ? _mayMakeNamespaces ? SystemCallRule.Allow : SystemCallRule.Threads
        : head.SequenceEqual("own"u8) ? _mayMakeNamespaces ? SystemCallRule.Allow : SystemCallRule.Own
        : head.SequenceEqual("terminal"u8) ? SystemCallRule.Terminal
        : head.SequenceEqual("families"u8) ? SystemCallRule.Families
        : head.SequenceEqual("personalities"u8) ? SystemCallRule.Personalities
        : Capabilities.TryParse(head, out Capability needed) && (capabilities >> (int)needed & 1) != 0 ? SystemCallRule.Allow
        : SystemCallRule.Deny;

    private ReadOnlySpan<byte> Word()
    {
        _rest = _rest.TrimStart(" ,\n"u8);
        int end = _rest.IndexOfAny(" ,\n"u8);
        ReadOnlySpan<byte> word = end < 0 ? _rest : _rest[..end];
        _rest = _rest[word.Length..];
        return word;
    }

    private static int Value(ReadOnlySpan<byte> word) => Utf8Parser.TryParse(word, out int value, out _) ? value : -1;
}
