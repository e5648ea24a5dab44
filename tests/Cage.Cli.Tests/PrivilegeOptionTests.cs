namespace Cage.Cli.Tests;

/// <summary>What root may do in a cage, as cage new and cage set take it.</summary>
public sealed class PrivilegeOptionTests : CageTest
{
    private string Conf(string id) => File.ReadAllText($"{Store.Data}/{id}.w/cage.conf");

    [RootFact]
    public void OnlyWhatIsGivenIsChanged()
    {
        string id = Store.Stopped("jail");
        string before = Conf(id);
        Cage("set", "web", "--memo", "two\nlines", "--name", "shop").Silently();
        Assert.Equal(before.Replace("name=web", "name=shop").Replace("memo=", "memo=two\\nlines"), Conf(id));
        Cage("set", "shop", "--cap-add", "NET_RAW", "--cap-add", "cap_sys_nice", "--cap-drop", "kill", "--seccomp-allow", "keyctl", "--setuid", "allow", "--sockets", "host", "--device", "/dev/fuse").Silently();
        foreach (string line in (string[])["capability=+NET_RAW", "capability=+SYS_NICE", "capability=-KILL", "seccomp=+keyctl", "setuid=allow", "sockets=host", "device=fuse"])
            Assert.Contains($"\n{line}\n", Conf(id));
        Cage("set", "shop", "--cap-add", "none", "--device", "private").Silently();
        Assert.DoesNotContain("+NET_RAW", Conf(id));
        Assert.Contains("\ncapability=-KILL\n", Conf(id));
        Assert.DoesNotContain("fuse", Conf(id));
    }

    [RootFact]
    public void WhatCannotBeIsRefusedAndChangesNothing()
    {
        string id = Store.Stopped("jail");
        string before = Conf(id);
        Cage("set", "web", "--cap-add", "NET_ROW").Failed(1, "NET_ROW", "capabilities(7)");
        Cage("set", "web", "--cap-add", "KILL", "--cap-drop", "KILL").Failed(1, "both");
        Cage("set", "web", "--seccomp-deny", "mont").Failed(1, "mont");
        Cage("set", "web", "--seccomp", "off", "--seccomp-deny", "mount").Failed(1, "off");
        Cage("set", "web", "--device", "../sda").Failed(1, "../sda");
        Cage("set", "web", "--device", "host", "--device", "fuse").Failed(1, "host");
        Cage("new", "other", "--isolation", "pivot", "--setuid", "allow").Failed(1, "jail");
        Cage("set", "web", "--seccomp", "maybe").Failed(2, "default, off");
        Cage("set", "host", "--setuid", "allow").Failed(1, "read-only");
        Cage("set").Failed(2);
        Assert.Equal(before, Conf(id));
        Cage("start", "web").Silently();
        Cage("set", "web", "--cap-add", "NET_RAW").Failed(1, "runs");
        Cage("set", "web", "--memo", "while it runs").Silently();
    }

    /// <summary>An option whose value is optional follows an equals sign alone: what stands behind it is a name.</summary>
    [RootFact]
    public void AUserNamespaceIsChosenNamedAndTakenAway()
    {
        string id = Store.Stopped("jail");
        Cage("set", "--userns", "web").Silently();
        Assert.Matches("\nuserns=[0-9]{6,10}:65536\n", Conf(id));
        Assert.Matches("user ids +[0-9]+:65536\n", Cage("show", "web").Ended(0).Output);
        string before = Conf(id);
        Cage("set", "web", "--userns=auto").Silently();
        Assert.Equal(before, Conf(id));
        foreach (string wrong in (string[])["0:10", "1000", "x", "5000000:0"]) Cage("set", "web", $"--userns={wrong}").Failed(2, "--userns");
        Assert.Equal(before, Conf(id));
        Cage("set", "web", "--userns=5000000:70000").Silently();
        Assert.Contains("\nuserns=5000000:70000\n", Conf(id));
        Cage("new", "other", "--base", "host", "--userns=5069999:1").Failed(1, "\"web\"");
        Cage("new", "other", "--base", "host", "--userns", "--isolation", "pivot").Failed(1, "jail");
        Cage("start", "web").Silently();
        Assert.Equal("0\n", Cage("exec", "web", "--", "id", "-u").Ended(0).Output);
        Cage("set", "web", "--userns=none").Failed(1, "runs");
        Cage("stop", "web").Silently();
        Cage("set", "web", "--userns=none").Silently();
        Assert.DoesNotContain("userns", Conf(id));
        Assert.Equal("0\n", Cage("run", "--base", "host", "--userns", "--", "id", "-u").Ended(0).Output);
    }

    [RootFact]
    public void ANewCageHasThemAndItsPlanShowsThem()
    {
        string id = Store.Stopped("jail", "plain");
        Store.New("own", "--base", "host", "--cap-drop", "ALL", "--cap-add", "NET_BIND_SERVICE", "--seccomp-deny", "ptrace", "--device", "null");
        Assert.Contains(Cage("plan", "own", "--json").Objects(), line => line.Text("action")!.Contains("keep NET_BIND_SERVICE; no new privileges; system calls filtered -ptrace", StringComparison.Ordinal));
        Assert.DoesNotContain("capability", Conf(id));
        Cage("new", "layer", "--read-only", "--cap-add", "KILL").Failed(2, "cap-add");
    }
}
