using System.Runtime.InteropServices;
using System.Text;
using Cage.Engine.Privileges;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>The table of system calls against the kernel's headers, and the filter against the table, run by a BPF machine of the test's own.</summary>
public sealed class SystemCallTests
{
    private const uint Allow = 0x7fff0000, Errno = 0x00050000, Kill = 0x80000000;
    private const int EPERM = 1, ENOSYS = 38;

    private static readonly uint _native = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0xc00000b7 : 0xc000003e;

    private static ulong[] Default { get; } = SystemCallFilter.Assemble(CapabilitySet.Default, [], []);

    /// <summary>Its numbers are what a kernel that is a little older has too; what it lacks, the headers have not either.</summary>
    [Theory]
    [InlineData("#include <asm/unistd_64.h>", true)]
    [InlineData("#define __BITS_PER_LONG 64\n#define __ARCH_WANT_RENAMEAT\n#define __ARCH_WANT_NEW_STAT\n#define __ARCH_WANT_SET_GET_RLIMIT\n#define __ARCH_WANT_SYS_CLONE3\n#define __ARCH_WANT_MEMFD_SECRET\n#include <asm-generic/unistd.h>", false)]
    public void The_table_has_the_numbers_of_the_headers(string include, bool isX64)
    {
        if (isX64 && RuntimeInformation.ProcessArchitecture != Architecture.X64) return;
        string[] macros = Shell.Run("printf '%s\\n' \"$include\" | cc -E -dM -", ("include", include)).Split('\n');
        Dictionary<string, string> texts = macros.Where(line => line.StartsWith("#define __NR", StringComparison.Ordinal)).Select(line => line.Split(' ', 3))
            .ToDictionary(words => words[1], words => words[2]);
        Dictionary<string, int> table = [];
        SystemCallReader reader = new(SystemCallTable.Text, 0);
        while (reader.Next()) table.Add(Encoding.UTF8.GetString(reader.Name), isX64 ? reader.X64 : reader.Arm64);
        int compared = 0;
        foreach (string name in texts.Keys.Where(key => key.StartsWith("__NR_", StringComparison.Ordinal)))
        {
            string text = name;
            while (texts.TryGetValue(text, out string? next)) text = next;
            string call = name["__NR_".Length..] switch { "fstatat" => "newfstatat", string other => other };
            if (!int.TryParse(text, out int number) || call is "syscalls" or "arch_specific_syscall" || call.StartsWith('_')) continue;
            compared++;
            Assert.True(table.TryGetValue(call, out int known), $"{call} is not in the table");
            Assert.True(number == known, $"{call} is {number}, not {known}");
        }
        Assert.True(compared > 300, $"only {compared} were compared");
    }

    /// <summary>From 424 on every call has the same number everywhere (scripts/syscall.tbl); none was left out up to the last one known.</summary>
    [Fact]
    public void New_calls_are_all_there_with_one_number_for_all()
    {
        const int FirstCommon = 424, Last = 470;
        List<int> numbers = [];
        SystemCallReader reader = new(SystemCallTable.Text, 0);
        while (reader.Next())
        {
            if (reader.X64 < FirstCommon && reader.Arm64 < FirstCommon) continue;
            Assert.True(reader.X64 == reader.Arm64, $"{Encoding.UTF8.GetString(reader.Name)} is {reader.X64} and {reader.Arm64}");
            numbers.Add(reader.X64);
        }
        Assert.Equal(Enumerable.Range(FirstCommon, Last - FirstCommon + 1), numbers.Order());
    }

    [Fact]
    public void No_number_stands_twice()
    {
        List<int> x64 = [], arm64 = [];
        SystemCallReader reader = new(SystemCallTable.Text, 0);
        while (reader.Next())
        {
            x64.Add(reader.X64);
            arm64.Add(reader.Arm64);
        }
        foreach (List<int> numbers in (List<int>[])[x64, arm64]) Assert.Equal(numbers.Where(number => number >= 0).Distinct().Count(), numbers.Count(number => number >= 0));
    }

    [Fact]
    public void The_filter_answers_as_the_table_says()
    {
        SystemCallRule[] rules = SystemCallFilter.Rules(CapabilitySet.Default, [], []);
        for (uint number = 0; number < 2000; number++)
        {
            SystemCallRule rule = number < rules.Length ? rules[number] : SystemCallRule.Absent;
            // An argument that none of the rules has anything against.
            Assert.Equal(rule switch { SystemCallRule.Deny => Errno | EPERM, SystemCallRule.Absent => Errno | ENOSYS, _ => Allow }, Run(Default, number));
        }
        Assert.Equal(Errno | ENOSYS, Run(Default, 0x40000000 + 39));
        Assert.Equal(Errno | ENOSYS, Run(Default, uint.MaxValue));
        foreach (uint architecture in (uint[])[0x40000003, 0x40000028, _native ^ 0x80]) Assert.Equal(Kill, Run(Default, 1, architecture));
    }

    [Theory]
    [InlineData("clone", 0, 0x003d0f00UL, true)] // A thread.
    [InlineData("clone", 0, 0x10000011UL, false)] // CLONE_NEWUSER
    [InlineData("clone", 0, 0x00020011UL, false)] // CLONE_NEWNS
    [InlineData("unshare", 0, 0x400UL, true)] // CLONE_FILES
    [InlineData("unshare", 0, 0x80UL, false)] // CLONE_NEWTIME
    [InlineData("unshare", 0, 0x40000000UL, false)] // CLONE_NEWNET
    [InlineData("ioctl", 1, 0x5401UL, true)]
    [InlineData("ioctl", 1, 0x5412UL, false)]
    [InlineData("ioctl", 1, 0x100005412UL, false)] // The kernel looks at the low half alone.
    [InlineData("socket", 0, 1UL, true)]
    [InlineData("socket", 0, 38UL, false)]
    [InlineData("socket", 0, 40UL, false)]
    [InlineData("personality", 0, 0UL, true)]
    [InlineData("personality", 0, 0xffffffffUL, true)]
    [InlineData("personality", 0, 0x400000UL, false)] // READ_IMPLIES_EXEC
    public void An_argument_decides(string name, int index, ulong value, bool passes)
    {
        ulong[] arguments = new ulong[6];
        arguments[index] = value;
        Assert.Equal(passes ? Allow : Errno | EPERM, Run(Default, Number(name), arguments: arguments));
    }

    [Fact]
    public void A_capability_opens_what_it_governs()
    {
        foreach (var (capability, call) in ((string, string)[])[("SYS_ADMIN", "mount"), ("SYS_ADMIN", "clone3"), ("BPF", "bpf"), ("SYS_TIME", "settimeofday"), ("DAC_READ_SEARCH", "open_by_handle_at")])
        {
            Assert.NotEqual(Allow, Run(Default, Number(call)));
            Assert.Equal(Allow, Run(SystemCallFilter.Assemble(CapabilitySet.Of([capability], []), [], []), Number(call)));
        }
        ulong[] admin = SystemCallFilter.Assemble(CapabilitySet.Of(["SYS_ADMIN"], []), [], []);
        Assert.Equal(Allow, Run(admin, Number("unshare"), arguments: [0x10000000, 0, 0, 0, 0, 0]));
    }

    [Fact]
    public void A_cage_has_its_own_exceptions()
    {
        ulong[] filter = SystemCallFilter.Assemble(CapabilitySet.Default, ["keyctl", "clone3"], ["chroot", "ptrace"]);
        Assert.Equal((Allow, Allow), (Run(filter, Number("keyctl")), Run(filter, Number("clone3"))));
        Assert.Equal((Errno | EPERM, Errno | EPERM), (Run(filter, Number("chroot")), Run(filter, Number("ptrace"))));
        Assert.Equal(Allow, Run(filter, Number("read")));
    }

    /// <summary>Conditional jumps reach 255 instructions only.</summary>
    [Fact]
    public void No_jump_is_too_long()
    {
        FilterWriter writer = new();
        int known = writer.Return(1), search = writer.Return(2);
        for (uint number = 0; number < 600; number++) search = writer.Compare(0x15, number, known, search);
        writer.Load(0, search);
        ulong[] program = writer.Finish();
        for (uint number = 0; number < 700; number++) Assert.Equal(number < 600 ? 1u : 2u, Run(program, number));
    }

    /// <summary>As many exceptions as there can be.</summary>
    [Fact]
    public void Many_exceptions_are_all_answered()
    {
        List<string> names = [];
        SystemCallReader reader = new(SystemCallTable.Text, 0);
        for (int i = 0; reader.Next(); i++)
            if (i % 2 == 0) names.Add(Encoding.UTF8.GetString(reader.Name));
        ulong[] filter = SystemCallFilter.Assemble(CapabilitySet.Default, [], names);
        SystemCallRule[] rules = SystemCallFilter.Rules(CapabilitySet.Default, [], names);
        for (uint number = 0; number < rules.Length; number++)
            Assert.Equal(rules[number] switch { SystemCallRule.Deny => Errno | EPERM, SystemCallRule.Absent => Errno | ENOSYS, _ => Allow }, Run(filter, number));
    }

    private static uint Number(string name)
    {
        SystemCallReader reader = new(SystemCallTable.Text, 0);
        while (reader.Next())
            if (Encoding.UTF8.GetString(reader.Name) == name) return (uint)(RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? reader.Arm64 : reader.X64);
        throw new ArgumentException(name);
    }

    /// <summary>The few instructions that the filter has, on struct seccomp_data (seccomp(2)).</summary>
    private static uint Run(ulong[] program, uint number, uint? architecture = null, ulong[]? arguments = null)
    {
        uint Load(uint offset) => offset switch
        {
            0 => number,
            4 => architecture ?? _native,
            >= 16 and < 64 => (uint)((arguments?[(offset - 16) / 8] ?? 0) >> (int)((offset - 16) % 8 * 8)),
            _ => throw new InvalidOperationException($"load of {offset}"),
        };

        uint accumulator = 0;
        for (int at = 0; at < program.Length; at++)
        {
            uint code = (uint)(program[at] & 0xffff), value = (uint)(program[at] >> 32);
            int whenTrue = (int)(program[at] >> 16 & 0xff), whenFalse = (int)(program[at] >> 24 & 0xff);
            switch (code)
            {
                case 0x20: accumulator = Load(value); break;
                case 0x05: at += (int)value; break;
                case 0x15: at += accumulator == value ? whenTrue : whenFalse; break;
                case 0x35: at += accumulator >= value ? whenTrue : whenFalse; break;
                case 0x45: at += (accumulator & value) != 0 ? whenTrue : whenFalse; break;
                case 0x06: return value;
                default: throw new InvalidOperationException($"code {code:x}");
            }
        }
        throw new InvalidOperationException("it runs off the end");
    }
}
