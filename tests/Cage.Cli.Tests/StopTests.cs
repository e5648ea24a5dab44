using System.Diagnostics;

namespace Cage.Cli.Tests;

/// <summary>How a cage is stopped: its script, what ignores TERM, what holds a mount, and what another namespace has copied.</summary>
public sealed class StopTests : CageTest
{
    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void WhatIgnoresTermIsKilledWhenItsTimeIsOver(string isolation)
    {
        string id = Store.Running(isolation);
        Child exec = StartInside("trap '' TERM; echo ready; while :; do sleep 0.1; done");
        exec.WaitFor("ready");
        long start = Stopwatch.GetTimestamp();
        Cage("stop", "web", "--timeout", "0.5").Ended(0);
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.FromSeconds(0.4), TimeSpan.FromSeconds(4));
        Store.NothingIsLeftOf(id);
        Assert.Equal(137, exec.Exit());
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void TermComesFirstAndIsWaitedFor(string isolation)
    {
        string id = Store.Running(isolation);
        Child exec = StartInside("trap 'sleep 0.3; echo tidy >/tidied; exit 0' TERM; echo ready; while :; do sleep 0.02; done");
        exec.WaitFor("ready");
        Cage("stop", "web").Ended(0);
        Assert.Equal("tidy\n", File.ReadAllText($"{Store.Data}/{id}.w/root/tidied"));
        Store.NothingIsLeftOf(id);
        exec.Exit();
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void ForceDoesNotWait(string isolation)
    {
        string id = Store.Stopped(isolation);
        StopScript(id, "echo stopped >/stopped; sleep 1000");
        Cage("start", "web").Silently();
        Child exec = StartInside("trap '' TERM; echo ready; while :; do sleep 0.1; done");
        exec.WaitFor("ready");
        long start = Stopwatch.GetTimestamp();
        Cage("stop", "--force", "web").Ended(0);
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromSeconds(3));
        Assert.False(File.Exists($"{Store.Data}/{id}.w/root/stopped"));
        Store.NothingIsLeftOf(id);
        exec.Exit();
    }

    [ToolTheory("pgrep")]
    [MemberData(nameof(Isolations))]
    public void TheStopScriptRunsInsideWhileEverythingIsThere(string isolation)
    {
        string id = Store.Stopped(isolation);
        StopScript(id, "test -e /proc/self && pgrep -f 'sleep 47150' >/dev/null && echo there >/seen; echo said");
        Cage("start", "web").Silently();
        Child exec = StartInside("setsid sleep 47150 & echo ready");
        exec.WaitFor("ready");
        Cage("stop", "web").Ended(0);
        Assert.Equal("there\n", File.ReadAllText($"{Store.Data}/{id}.w/root/seen"));
        Assert.Equal("said\n", File.ReadAllText($"{Store.Data}/{id}.w/stop.log"));
        Store.NothingIsLeftOf(id);
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void AStopScriptThatHangsOrFailsIsToldAndDoesNotKeepTheCage(string isolation)
    {
        string id = Store.Stopped(isolation);
        StopScript(id, "trap '' TERM; echo hanging; while :; do sleep 0.1; done");
        Cage("start", "web").Silently();
        Outcome stop = Cage("stop", "web", "--timeout=0.5").Ended(0).Said("stop script", "\"web\"", "longer");
        Assert.StartsWith("cage: warning: ", stop.Error);
        Store.NothingIsLeftOf(id);
        StopScript(id, "echo it went wrong; exit 3");
        Cage("start", "web").Silently();
        Cage("stop", "web").Ended(0).Said("it went wrong", "3");
        Store.NothingIsLeftOf(id);
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void SuspendedProcessesEndToo(string isolation)
    {
        string id = Store.Running(isolation);
        Child exec = StartInside("trap 'echo tidy >/tidied; exit' TERM; echo ready; kill -STOP $$; while :; do sleep 0.05; done");
        exec.WaitFor("ready");
        Thread.Sleep(50);
        Cage("stop", "web", "--timeout", "5").Ended(0);
        Assert.True(File.Exists($"{Store.Data}/{id}.w/root/tidied"));
        Store.NothingIsLeftOf(id);
        exec.Exit();
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void WhatForksAllTheTimeIsCaught(string isolation)
    {
        string id = Store.Running(isolation);
        Child exec = StartInside("trap '' TERM; echo ready; f() { trap '' TERM; (f) & sleep 0.01; }; f");
        exec.WaitFor("ready");
        Thread.Sleep(100);
        Cage("stop", "web", "--timeout", "0.2").Ended(0);
        Store.NothingIsLeftOf(id);
        exec.Exit();
    }

    [RootFact]
    public void WhoHoldsABusyMountIsNamedAndKilledByNobody()
    {
        // A process of the host with its directory in the cage is not the cage's: it is asked for, not killed.
        string id = Store.Running("chroot"), mount = Store.MountPoint(id);
        Child holder = Store.StartShell($"cd {mount}/tmp; echo ready; exec sleep 47160");
        holder.WaitFor("ready");
        Cage("stop", "web").Failed(1, mount, "EBUSY", $"{holder.Id}", "sleep", "--force");
        Assert.True(HostView.Lives(holder.Id));
        Cage("stop", "--force", "web").Ended(0).Said("warning", "lazily", $"{holder.Id}");
        Assert.Empty(HostView.Mounts(mount));
        Assert.True(HostView.Lives(holder.Id));
        holder.Signal(Child.SIGKILL);
        holder.Exit();
        Cage("stop", "web").Silently();
        Store.NothingIsLeftOf(id);
    }

    [RootFact]
    public void AMountNamespaceThatCopiedAChrootIsNamed()
    {
        string id = Store.Running("chroot");
        // With private propagation, as in a container: the copy does not go when the host's does.
        Child copy = Store.Start("unshare", "-m", "--propagation", "private", "sh", "-c", "echo ready; exec sleep 47170");
        copy.WaitFor("ready");
        Outcome stop = Cage("stop", "web").Ended(0).Said("warning", "mount namespace", "sleep");
        Assert.Contains($"{copy.Id}", stop.Error);
        Store.NothingRuns(id);
        copy.Signal(Child.SIGKILL);
        copy.Exit();
        Wait.Until(() => HostView.OtherTablesWith(Store.Top).Count == 0, () => "the copy is there still");
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void WhatTheCageMountedItselfGoesToo(string isolation)
    {
        string id = Store.Stopped(isolation);
        if (isolation == "jail") Cage("set", id, "--cap-add", "SYS_ADMIN").Silently();
        Cage("start", id).Silently();
        Inside("mkdir -p /a/b && mount -t tmpfs tmpfs /a/b && mkdir /a/b/c && mount -t tmpfs tmpfs /a/b/c").Ended(0);
        Assert.Contains(Cage("mounts", "web", "--json").Objects(), mount => mount.Text("target") == "/a/b/c");
        Cage("stop", "web").Ended(0);
        Store.NothingIsLeftOf(id);
    }

    private void StopScript(string id, string text)
    {
        string folder = $"{Store.Data}/{id}.w", conf = File.ReadAllText($"{folder}/cage.conf");
        File.WriteAllText($"{folder}/stop", text + "\n");
        File.WriteAllText($"{folder}/cage.conf", conf.Replace("\nstop=\n", "\nstop=stop\n"));
    }
}
