using System.Text;

namespace Cage.Cli.Tests;

/// <summary>Configuration files that are missing or cannot be understood, as users meet them.</summary>
public sealed class ConfTests : CageTest
{
    private const string Id = "11111111-2222-4333-8444-555555555555";

    [RootFact]
    public void WithoutAGlobalConfTheDefaultsHold()
    {
        // In a mount namespace where the host's own places are empty.
        Outcome outcome = Store.PrivateShell("""
            unset CAGE_CONF
            for d in /etc/opt /var/opt /run; do mkdir -p $d; mount -t tmpfs tmpfs $d; done
            $CAGE list; test ! -e /var/opt/cage
            $CAGE new host --read-only --source / >/dev/null
            stat -c %a /var/opt/cage
            id=$($CAGE new web --base host)
            $CAGE start web; ls /run/cage | grep -c $id; $CAGE exec web -- echo inside
            $CAGE stop web; ls /run/cage | wc -l
            $CAGE remove web host; ls -A /var/opt/cage | wc -l
            """);
        Assert.Equal(["700", "1", "inside", "0", "0"], outcome.Ended(0).Lines.Where(line => !line.StartsWith("NAME", StringComparison.Ordinal)));
        Assert.Empty(outcome.Error);
    }

    [RootFact]
    public void TheGlobalConfOfTheHostIsRead()
    {
        Outcome outcome = Store.PrivateShell("""
            unset CAGE_CONF
            mkdir -p /etc/opt; mount -t tmpfs tmpfs /etc/opt; mkdir /etc/opt/cage
            printf '# ours\ntool=/opt/cage\ndata=%s/data # here\nrun=%s/run\n' $STORE $STORE >/etc/opt/cage/cage.conf
            $CAGE new here --read-only
            ls $STORE/data
            """);
        Assert.Equal($"{outcome.Ended(0).Lines[0]}.r", outcome.Lines[1]);
    }

    [Fact]
    public void AConfThatCageConfNamesMustBeThere()
    {
        Store.Environment["CAGE_CONF"] = $"{Store.Files}/no-such.conf";
        foreach (string[] command in (string[][])[["list"], ["start", "web"], ["new", "web"], ["mounts"]]) Cage(command).Failed(1, $"{Store.Files}/no-such.conf", "ENOENT", "CAGE_CONF");
        Cage("exec", "web", "--", "true").Failed(125, $"{Store.Files}/no-such.conf");
        Store.Environment["CAGE_CONF"] = Store.Files;
        Cage("list").Failed(1, Store.Files, "EISDIR");
    }

    [Theory]
    [InlineData("data=cages\n", "line 1: data")]
    [InlineData("\n# x\ndata=/a/../b\n", "line 3: data")]
    [InlineData("data=/a\nrun=here\n", "line 2: run")]
    [InlineData("data\n", "line 1: data")]
    [InlineData("data=/a\0b\n", "line 1: control character 0x00")]
    public void AGlobalConfThatCannotBeUnderstoodNamesLineAndKey(string conf, string where)
    {
        File.WriteAllText(Store.Conf, conf);
        Cage("list").Failed(1, $"{Store.Conf}, {where}");
        File.WriteAllText(Store.Conf, $"data={Store.Data}\nrun={Store.Run}\n");
    }

    public static TheoryData<string, string> BadConfs => new()
    {
        { "", "uuid is missing" },
        { "name=x\nroot=root\n", "uuid is missing" },
        { "uuid=1234\nname=x\nroot=root\n", "line 1: uuid" },
        { "uuid=\nname=x\nroot=root\n", "line 1: uuid" },
        { "uuid=99999999-2222-4333-8444-555555555555\nname=x\nroot=root\n", "line 1: uuid" },
        { $"name=x\nuuid={Id}\nroot\n", "line 3: root has no '='" },
        { $"uuid={Id}\nname=x\nroot=\n", "root" },
        { $"uuid={Id}\nname=x\nroot=../../etc\n", "line 3: root" },
        { $"uuid={Id}\nname=x\nroot=/etc\n", "line 3: root" },
        { $"uuid={Id}\nname=x\nroot=root\nbase={Id}:zzz\n", "line 4: base has \"zzz\"" },
        { $"uuid={Id}\nname=a\0b\nroot=root\n", "line 2: control character 0x00" },
        { $"uuid={Id}\nname=a\u001bb\nroot=root\n", "line 2: control character 0x1b" },
        { $"uuid={Id}\nname=x\nroot=root\nisolation=vm\n", "line 4: isolation is \"vm\"" },
        { $"uuid={Id}\nname=x\nroot=root\nwork=work\nmountpoint=mnt\nenvironment=NOTHING\n", "line 6: environment" },
        { $"uuid={Id}\nname=x\nroot=root\n", "work is missing" },
    };

    [RootTheory]
    [MemberData(nameof(BadConfs))]
    public void ACageConfThatCannotBeUnderstoodNamesLineAndKeyAndHidesNobody(string conf, string what)
    {
        Store.Host();
        string path = $"{Store.Data}/{Id}.w";
        Store.WriteCage($"{Id}.w", what.Contains("isolation", StringComparison.Ordinal) ? conf + "work=work\nmountpoint=mnt\n" : conf);
        IsBroken(path, what);
    }

    [RootFact]
    public void AConfThatIsNotTextIsToldToo()
    {
        Store.Host();
        string path = $"{Store.Data}/{Id}.w";
        Store.WriteCage($"{Id}.w", "");
        File.WriteAllBytes($"{path}/cage.conf", [.. Encoding.ASCII.GetBytes($"uuid={Id}\nname="), 0xff, 0xfe, 10]);
        IsBroken(path, "UTF-8", keep: true);
        File.WriteAllText($"{path}/cage.conf", $"uuid={Id}\nmemo={new string('x', 10_000_000)}\n");
        IsBroken(path, "EFBIG", keep: true);
        File.Delete($"{path}/cage.conf");
        IsBroken(path, "ENOENT", keep: true);
        Directory.CreateDirectory($"{path}/cage.conf");
        IsBroken(path, "EISDIR", keep: true);
        Directory.Delete($"{path}/cage.conf");
        Store.Shell($"mkfifo {path}/cage.conf");
        IsBroken(path, "cage.conf", keep: true);
        File.Delete($"{path}/cage.conf");
        File.CreateSymbolicLink($"{path}/cage.conf", "cage.conf");
        IsBroken(path, "ELOOP");
    }

    [RootFact]
    public void WhatTheSeedsSedIgnoresIsNoError()
    {
        string id = Store.WriteCage($"{Id}.r", $"# a comment\n\n   # another\nuuid={Id}   # mine\nname=a name\tof two # not this\nfuture=1\nmemo=one\\ntwo\nroot=root\n");
        Assert.Equal("a name\tof two", Cage("show", id, "--json").Objects()[0].Text("name"));
        Assert.Equal("one\ntwo", Cage("show", id, "--json").Objects()[0].Text("memo"));
    }

    private void IsBroken(string path, string what, bool keep = false)
    {
        Outcome list = Cage("list", "--json").Ended(1).Said($"{path}/cage.conf", what);
        Assert.Equal("host", list.Parse().Single().Text("name"));
        Assert.Single(list.Error.Trim().Split('\n'));
        foreach (string command in (string[])["show", "start", "stop", "plan", "remove"]) Cage(command, Id).Failed(1, $"{path}/cage.conf");
        Cage("exec", Id, "--", "true").Failed(125, $"{path}/cage.conf");
        // The others are as useful as before.
        Cage("show", "host").Ended(0);
        if (!keep) Directory.Delete(path, recursive: true);
    }
}
