using System.Text;
using Cage.Engine.Store;

namespace Cage.Engine.Tests;

public class CageRecordTests
{
    private const string Id = "011868f2-c75f-49a0-b7ba-54a6f282419f";

    private const string Seed =
        $"""
        uuid={Id}
        name=the_cage
        memo=the cage, 2017-06-16 22:31:03+09:00
        base=00000000-0000-0000-0000-000000000000 # the host
        root=root
        work=work
        mountpoint=mnt
        start=
        stop=

        """;

    private static CageRecord Read(string text, string folder = $"/store/{Id}.w") =>
        CageRecord.From(ConfFile.Parse($"{folder}/cage.conf", Encoding.UTF8.GetBytes(text)), folder);

    private static string Write(CageRecord record, string over = "")
    {
        ConfFile file = ConfFile.Parse(record.ConfPath, Encoding.UTF8.GetBytes(over));
        record.WriteTo(file);
        return Encoding.UTF8.GetString(file.ToBytes());
    }

    [Fact]
    public void The_seeds_own_conf_is_a_chroot_cage()
    {
        CageRecord record = Read(Seed);
        Assert.Equal(Guid.Parse(Id), record.Id);
        Assert.Equal(CageKind.Writable, record.Kind);
        Assert.Equal("the_cage", record.Name);
        Assert.Equal("the cage, 2017-06-16 22:31:03+09:00", record.Memo);
        Assert.Equal([CageRecord.Nil], record.Base);
        Assert.Equal(("root", "work", "mnt", "", ""), (record.Root, record.Work, record.MountPoint, record.Start, record.Stop));
        Assert.Equal((CageIsolation.Chroot, DeviceView.Private), (record.Isolation, record.Device));
        Assert.Empty(record.Environment);
        Assert.Equal($"/store/{Id}.w/mnt", record.MountPath);
    }

    [Fact]
    public void A_read_only_one_needs_no_work_and_no_mount_point()
    {
        CageRecord record = Read($"uuid={Id}\nname=b\nroot=r/o/ot\nwork=/nonsense\n", $"/store/{Id}.r");
        Assert.Equal(CageKind.ReadOnly, record.Kind);
        Assert.Equal($"/store/{Id}.r/r/o/ot", record.RootPath);
        Assert.Empty(record.Base);
    }

    [Fact]
    public void All_that_it_says_comes_back()
    {
        CageRecord record = Read(Seed) with
        {
            Name = "a , : \\ \" b",
            Memo = "one\n#two\\n",
            Base = [Guid.NewGuid(), Guid.NewGuid()],
            Start = "up.sh",
            Stop = "down.sh",
            Isolation = CageIsolation.Jail,
            Devices = ["net/tun", "a # b"],
            Privileges = new CagePrivileges
            {
                CapabilityAdd = ["NET_RAW"], CapabilityDrop = ["ALL"], SystemCallAllow = ["keyctl"], SystemCallDeny = ["chroot", "ptrace"], Setuid = SetuidMode.Allow,
                Sockets = SocketView.Host,
            },
            Environment = ["A=1", "B=x # y", "C=two\nlines", "D=", "E=\\"],
            Binds = [CageBind.Parse("/a#b\\:c:/d:ro"), CageBind.Parse("/e\\\\:/f")],
            Tmpfs = [CageTmpfs.Parse("/g:64M"), CageTmpfs.Parse("/h")],
            Limits = new CageLimits { Memory = 512 << 20, Swap = 0, Cpu = 1.5m, CpuWeight = 50, Processes = 100, IoWeight = 10000 },
        };
        CageRecord back = Read(Write(record));
        Assert.Equal(record with { Base = back.Base, Environment = back.Environment, Binds = back.Binds, Tmpfs = back.Tmpfs, Devices = back.Devices, Privileges = back.Privileges }, back);
        Assert.Equal(record.Binds, back.Binds);
        Assert.Equal(record.Tmpfs, back.Tmpfs);
        Assert.Equal(record.Devices, back.Devices);
        Assert.True(record.Privileges.IsSameAs(back.Privileges));
        record = record with { Device = DeviceView.Host, Devices = [], Privileges = new CagePrivileges { SystemCalls = SystemCallMode.Off } };
        back = Read(Write(record));
        Assert.Equal((DeviceView.Host, SystemCallMode.Off), (back.Device, back.Privileges.SystemCalls));
        Assert.Equal(record.Base, back.Base);
        Assert.Equal(record.Environment, back.Environment);
    }

    [Fact]
    public void Rewriting_keeps_comments_order_and_what_it_does_not_know()
    {
        string text = "# mine\n" + Seed.Replace("name=the_cage\n", "x-colour=blue # sky\n\nname=the_cage # called so\n") + "limit=12\n";
        Assert.Equal(text, Write(Read(text), text));
        string renamed = Write(Read(text) with { Name = "other", Isolation = CageIsolation.Pivot }, text);
        Assert.Equal(text.Replace("name=the_cage #", "name=other #") + "isolation=pivot\n", renamed);
    }

    [Fact]
    public void Limits_stand_one_a_line_and_those_in_other_words_stay()
    {
        string text = Seed + "memory=0.5G # half\nprocesses=100\n";
        CageRecord record = Read(text);
        Assert.Equal(new CageLimits { Memory = 512 << 20, Processes = 100 }, record.Limits);
        Assert.Equal("memory 512M, processes 100", record.Limits.ToString());
        Assert.Equal(text, Write(record, text));
        Assert.Equal(text.Replace("processes=100\n", "") + "cpu=0.5\n", Write(record with { Limits = record.Limits with { Processes = null, Cpu = 0.5m } }, text));
    }

    [Theory]
    [InlineData("memory=much")]
    [InlineData("memory=4K")]
    [InlineData("memory=-1")]
    [InlineData("swap=")]
    [InlineData("cpu=0")]
    [InlineData("cpu=1/2")]
    [InlineData("cpuweight=0")]
    [InlineData("cpuweight=10001")]
    [InlineData("processes=1")]
    [InlineData("processes=1.5")]
    [InlineData("ioweight=x")]
    [InlineData("bind=/a")]
    [InlineData("bind=/a:/b:what")]
    [InlineData("tmpfs=/a:b")]
    public void A_setting_that_cannot_be_names_its_line(string line)
    {
        CageException refused = Assert.Throws<CageException>(() => Read(Seed + line + "\n"));
        Assert.Equal(CageError.CageConfInvalid, refused.Error);
        Assert.Contains($"line 10: {line.Split('=')[0]} is \"", refused.Message);
    }

    /// <summary>An equal value in other words, as a hand may have written it, is not touched.</summary>
    [Theory]
    [InlineData("memo=the cage, 2017-06-16 22:31:03+09:00", "memo=C:\\dir\\tab and a \\q")]
    [InlineData($"uuid={Id}", "uuid=011868F2-C75F-49A0-B7BA-54A6F282419F")]
    [InlineData("base=00000000-0000-0000-0000-000000000000", "base=AAAAAAAA-0000-0000-0000-000000000000")]
    [InlineData("stop=\n", "stop=\nenvironment=A=\\d\n")]
    public void Rewriting_leaves_equal_values_as_they_are(string seed, string other)
    {
        string text = Seed.Replace(seed, other);
        Assert.NotEqual(Seed, text);
        Assert.Equal(text.Replace("name=the_cage", "name=x"), Write(Read(text) with { Name = "x" }, text));
    }

    [Fact]
    public void The_isolation_and_device_of_the_seed_are_written_down_only_where_they_were()
    {
        Assert.DoesNotContain("isolation", Write(Read(Seed)));
        Assert.DoesNotContain("device", Write(Read(Seed)));
        string text = Seed + "isolation=jail\ndevice=host\n";
        string written = Write(Read(text) with { Isolation = CageIsolation.Chroot, Device = DeviceView.Private }, text);
        Assert.Equal(Seed + "isolation=chroot\ndevice=private\n", written);
    }

    [Theory]
    [InlineData("uuid", "nonsense", 1)]
    [InlineData("uuid", "{011868f2-c75f-49a0-b7ba-54a6f282419f}", 1)]
    [InlineData("uuid", "011868f2c75f49a0b7ba54a6f282419f", 1)]
    [InlineData("uuid", "", 1)]
    [InlineData("uuid", "011868f2-c75f-49a0-b7ba-54a6f282419e", 1)]
    [InlineData("base", "what", 4)]
    [InlineData("base", $"{Id}:zz", 4)]
    [InlineData("base", $"{Id},{Id}", 4)]
    [InlineData("base", $"{Id} {Id}", 4)]
    [InlineData("root", "", 5)]
    [InlineData("root", "/", 5)]
    [InlineData("root", "/etc", 5)]
    [InlineData("root", "..", 5)]
    [InlineData("root", "a/../../b", 5)]
    [InlineData("root", ".", 5)]
    [InlineData("root", "a//b", 5)]
    [InlineData("root", "a/", 5)]
    [InlineData("work", "../work", 6)]
    [InlineData("work", "/work", 6)]
    [InlineData("mountpoint", "/mnt", 7)]
    [InlineData("mountpoint", "", 7)]
    [InlineData("start", "/bin/sh", 8)]
    [InlineData("start", "../start", 8)]
    [InlineData("stop", "x/../../../etc/passwd", 9)]
    public void A_value_that_cannot_be_is_named_with_file_line_and_key(string key, string value, int line)
    {
        string[] lines = Seed.Split('\n');
        lines[line - 1] = $"{key}={value}";
        CageException e = Assert.Throws<CageException>(() => Read(string.Join('\n', lines)));
        Assert.Equal(CageError.CageConfInvalid, e.Error);
        string where = $"/store/{Id}.w/cage.conf";
        Assert.True(e.Message.StartsWith($"{where}, line {line}: {key} ", StringComparison.Ordinal), e.Message);
        if (value.Length > 0) Assert.Contains(value.Replace($"{Id}:", ""), e.Message);
        Assert.Equal(where, e.TargetName);
    }

    [Theory]
    [InlineData("isolation=vm", "isolation", "chroot, pivot, jail")]
    [InlineData("isolation=Jail", "isolation", "chroot, pivot, jail")]
    [InlineData("isolation=", "isolation", "chroot, pivot, jail")]
    [InlineData("device=../sda", "device", "no name below /dev")]
    [InlineData("capability=NET_RAW", "capability", "+NAME")]
    [InlineData("capability=+NET_ROW", "capability", "NET_ROW")]
    [InlineData("capability=+NET_RAW\ncapability=-cap_net_raw", "capability", "both")]
    [InlineData("seccomp=none", "seccomp", "off alone")]
    [InlineData("seccomp=+mont", "seccomp", "mont")]
    [InlineData("setuid=maybe", "setuid", "deny, allow")]
    [InlineData("sockets=all", "sockets", "own, host")]
    [InlineData("environment=A", "environment", "NAME=value")]
    [InlineData("environment==b", "environment", "NAME=value")]
    [InlineData("name=again", "name", "twice")]
    public void A_further_line_that_cannot_be_is_named(string line, string key, string what)
    {
        CageException e = Assert.Throws<CageException>(() => Read(Seed + line + "\n"));
        Assert.Equal(CageError.CageConfInvalid, e.Error);
        Assert.Contains($"cage.conf, line 10: {key} ", e.Message);
        Assert.Contains(what, e.Message);
    }

    [Theory]
    [InlineData("uuid")]
    [InlineData("root")]
    [InlineData("work")]
    [InlineData("mountpoint")]
    public void A_key_that_is_missing_is_named(string key)
    {
        string text = string.Join('\n', Seed.Split('\n').Where(line => !line.StartsWith(key, StringComparison.Ordinal)));
        CageException e = Assert.Throws<CageException>(() => Read(text));
        Assert.Equal(CageError.CageConfInvalid, e.Error);
        Assert.StartsWith($"/store/{Id}.w/cage.conf: {key} is missing", e.Message);
    }

    [Theory]
    [InlineData("", "empty")]
    [InlineData("a#b", "#")]
    [InlineData("a\nb", "newline")]
    [InlineData("a\rb", "control")]
    [InlineData("a\tb", "control")]
    [InlineData("a\0b", "control")]
    [InlineData(" a", "white space")]
    [InlineData("a\u3000", "white space")]
    public void Some_names_cannot_be(string name, string why) => Assert.Contains(why, CageRecord.NameProblem(name));

    [Fact]
    public void A_name_has_at_most_255_bytes()
    {
        Assert.Null(CageRecord.NameProblem(new string('日', 85)));
        Assert.NotNull(CageRecord.NameProblem(new string('日', 85) + "a"));
    }

    [Theory]
    [InlineData("a,b:c\\d\"e f'g")]
    [InlineData("日本 🐦")]
    [InlineData("../../etc")]
    [InlineData("-rf")]
    [InlineData("$(id)")]
    [InlineData("=")]
    public void Most_names_can_be(string name)
    {
        Assert.Null(CageRecord.NameProblem(name));
        Assert.Equal(name, Read(Write(Read(Seed) with { Name = name }, Seed)).Name);
    }
}
