using System.Globalization;

namespace Cage.Interop.Tests;

public class CapabilitiesTests
{
    [Fact]
    public void The_effective_set_is_what_proc_says_of_this_thread()
    {
        string line = File.ReadLines("/proc/thread-self/status").Single(line => line.StartsWith("CapEff:"));
        Assert.Equal(ulong.Parse(line[7..].Trim(), NumberStyles.HexNumber), Capabilities.ReadEffective());
    }

    [Fact]
    public void Has_is_a_bit_of_the_set()
    {
        ulong set = Capabilities.ReadEffective();
        foreach (Capability capability in Enum.GetValues<Capability>())
            Assert.Equal((set & (1UL << (int)capability)) != 0, Capabilities.Has(capability));
    }

    [Fact]
    public void There_are_41_numbered_from_0()
    {
        Assert.Equal(Enumerable.Range(0, 41), Enum.GetValues<Capability>().Select(c => (int)c));
        Assert.Equal((0, 21, 40), ((int)Capability.CAP_CHOWN, (int)Capability.CAP_SYS_ADMIN, (int)Capability.CAP_CHECKPOINT_RESTORE));
    }

    [Fact]
    public void Names_are_those_of_the_header()
    {
        const string header = "/usr/include/linux/capability.h";
        if (!File.Exists(header)) return;
        Dictionary<string, int> defined = File.ReadLines(header)
            .Select(line => line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
            .Where(words => words is ["#define", var name, var number] && name.StartsWith("CAP_") && int.TryParse(number, out _))
            .ToDictionary(words => words[1], words => int.Parse(words[2]));
        Assert.True(defined.Count >= 41);
        Assert.All(Enum.GetValues<Capability>(), capability => Assert.Equal((int)capability, defined[Capabilities.Name(capability)]));
    }

    [Fact]
    public void Every_name_is_parsed_back()
    {
        foreach (Capability capability in Enum.GetValues<Capability>())
        {
            Assert.True(Capabilities.TryParse(Capabilities.Name(capability), out Capability parsed));
            Assert.Equal(capability, parsed);
        }
    }

    [Theory]
    [InlineData("CAP_SYS_ADMIN")]
    [InlineData("cap_sys_admin")]
    [InlineData("sys_admin")]
    public void Case_and_prefix_do_not_matter(string name)
    {
        Assert.True(Capabilities.TryParse(name, out Capability capability));
        Assert.Equal(Capability.CAP_SYS_ADMIN, capability);
    }

    [Theory]
    [InlineData("")]
    [InlineData("CAP_")]
    [InlineData("CAP_CAP_CHOWN")]
    [InlineData("CAP_SYS")]
    [InlineData("21")]
    [InlineData("CAP_CHOWN,CAP_KILL")]
    public void What_is_no_name_is_refused(string name) => Assert.False(Capabilities.TryParse(name, out _));

    [Fact]
    public void A_newer_one_is_named_by_its_number() => Assert.Equal("41", Capabilities.Name((Capability)41));
}
