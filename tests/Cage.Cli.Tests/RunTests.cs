namespace Cage.Cli.Tests;

/// <summary>cage run: a cage that is not kept.</summary>
public sealed class RunTests : CageTest
{
    [RootTheory]
    [MemberData(nameof(NamespaceIsolations))]
    public void TheStatusAndTheStreamsAreTheCommands(string isolation)
    {
        Store.Host();
        string[] run = ["run", "--base", "host", "--isolation", isolation];
        foreach (int status in (int[])[0, 1, 7, 42, 255]) Assert.Equal(status, Cage([.. run, "--", "sh", "-c", $"exit {status}"]).Status);
        Assert.Equal(137, Cage([.. run, "--", "sh", "-c", "kill -9 $$"]).Status);
        Cage([.. run, "--", "no-such-command"]).Failed(127, "no-such-command");
        Cage([.. run, "--", "/etc/passwd"]).Failed(126);
        Cage([.. run, "-u", "nobody-here", "--", "true"]).Failed(125);
        Outcome outcome = Store.CageWith([0, 1, 255, 10], [.. run, "-e", "A=b", "-w", "/usr", "-u", "65534:65534", "--", "sh", "-c", "cat; echo $A $PWD $(id -u):$(id -g) >&2"]);
        Assert.Equal([0, 1, 255, 10], outcome.Ended(0).OutputBytes);
        Assert.Equal("b /usr 65534:65534\n", outcome.Error);
        Assert.Single(Cage("list", "--json").Objects());
    }

    [RootFact]
    public void WithoutABaseItIsTheHosts()
    {
        Cage("run", "--", "true").Failed(125, "--base");
        Store.MakeNil();
        Assert.Equal(File.ReadAllText("/etc/passwd"), Cage("run", "--", "cat", "/etc/passwd").Ended(0).Output);
    }

    [RootFact]
    public void AChrootCannotBeRunWithoutBeingKept()
    {
        Store.Host();
        Cage("run", "--base", "host", "--isolation", "chroot", "--", "true").Failed(125, "chroot");
    }

    [RootTheory]
    [MemberData(nameof(NamespaceIsolations))]
    public void WhatIsWrittenIsGoneAfterwards(string isolation)
    {
        Store.Host();
        string marker = $"/cage-{Guid.NewGuid()}";
        Cage("run", "--base", "host", "--isolation", isolation, "--", "sh", "-c", $"echo x >{marker} && cat {marker} && rm -r /usr/share/doc").Ended(0);
        Assert.False(File.Exists(marker));
        Assert.True(Directory.Exists("/usr/share/doc"));
        Assert.Empty(Directory.GetFileSystemEntries(Store.Run));
    }

    [RootTheory]
    [MemberData(nameof(NamespaceIsolations))]
    public void DaemonsOfTheCommandEndWithIt(string isolation)
    {
        Store.Host();
        string mark = $"43{Random.Shared.Next(10000, 99999)}";
        string script = $"setsid sleep {mark} & (trap '' TERM HUP; sleep {mark}) & echo ready; sleep {mark}";
        Child run = Store.StartCage("run", "--base", "host", "--isolation", isolation, "--", "sh", "-c", script);
        run.WaitFor("ready");
        Wait.Until(() => HostView.WithCommandLine($"sleep {mark}").Length >= 3, () => "the daemons did not come up");
        string group = GroupOf(run.Id);
        run.Signal(Child.SIGTERM);
        run.End().Ended(128 + Child.SIGTERM);
        Assert.Empty(HostView.WithCommandLine($"sleep {mark}"));
        Assert.False(Directory.Exists(group), $"{group} is left");
        Assert.Empty(HostView.OtherTablesWith(Store.Top));
    }

    [RootTheory]
    [MemberData(nameof(NamespaceIsolations))]
    public void AKilledRunLeavesNoProcessAndTheNextRunItsControlGroup(string isolation)
    {
        Store.Host();
        string mark = $"44{Random.Shared.Next(10000, 99999)}";
        Child run = Store.StartCage("run", "--base", "host", "--isolation", isolation, "--", "sh", "-c", $"setsid sleep {mark} & echo ready; sleep {mark}");
        run.WaitFor("ready");
        Wait.Until(() => HostView.WithCommandLine($"sleep {mark}").Length >= 2, () => "the daemon did not come up");
        string group = GroupOf(run.Id);
        run.Signal(Child.SIGKILL);
        run.Exit();
        bool gone = Wait.For(() => HostView.WithCommandLine($"sleep {mark}").Length == 0, TimeSpan.FromSeconds(2));
        foreach (int pid in HostView.WithCommandLine($"sleep {mark}")) Child.Signal(pid, Child.SIGKILL);
        Assert.Empty(HostView.OtherTablesWith(Store.Top));
        Cage("run", "--base", "host", "--isolation", isolation, "--", "true").Silently();
        Assert.False(Directory.Exists(group), $"{group} is left");
        Assert.True(gone, "what the command had started lives on");
    }

    [RootTheory]
    [MemberData(nameof(NamespaceIsolations))]
    public void SeveralAtOnceDoNotMeet(string isolation)
    {
        Store.Host();
        Child Start(int i) => Store.StartCage(
            "run", "--base", "host", "--isolation", isolation, "--", "sh", "-c", $"test ! -e /mark && echo {i} >/mark && sleep 0.1 && cat /mark");
        Child[] runs = [.. Enumerable.Range(0, 12).Select(Start)];
        for (int i = 0; i < runs.Length; i++) Assert.Equal($"{i}\n", runs[i].End().Ended(0).Output);
    }

    /// <summary>The control group of a run, by the init that is its child.</summary>
    private static string GroupOf(int run)
    {
        int child = HostView.ChildrenOf(run).First();
        string line = File.ReadLines($"/proc/{child}/cgroup").First(line => line.StartsWith("0::", StringComparison.Ordinal));
        return HostView.ControlGroups + line[3..];
    }
}
