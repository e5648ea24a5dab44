namespace Cage.Cli.Tests;

/// <summary>Signals to <c>cage exec</c> and <c>cage run</c> are the command's.</summary>
public sealed class SignalTests : CageTest
{
    private const string Waiting = "while :; do sleep 0.02; done";

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void WhatExecGetsReachesTheCommand(string isolation)
    {
        Store.Running(isolation);
        foreach (var (number, name) in ((int, string)[])[
            (Child.SIGTERM, "TERM"), (Child.SIGHUP, "HUP"), (Child.SIGINT, "INT"), (Child.SIGQUIT, "QUIT"), (Child.SIGUSR1, "USR1"), (Child.SIGUSR2, "USR2")])
        {
            Child exec = StartInside($"trap 'echo got {name}; exit 7' {name}; echo ready; {Waiting}");
            exec.WaitFor("ready");
            exec.Signal(number);
            Assert.Equal($"ready\ngot {name}\n", exec.End().Ended(7).Output);
        }
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void ACommandThatASignalEndsSaysSo(string isolation)
    {
        Store.Running(isolation);
        Child exec = StartInside("echo ready; exec sleep 1000");
        exec.WaitFor("ready");
        exec.Signal(Child.SIGTERM);
        exec.End().Ended(128 + Child.SIGTERM);
    }

    [RootTheory]
    [MemberData(nameof(NamespaceIsolations))]
    public void WhatRunGetsReachesTheCommand(string isolation)
    {
        Store.Host();
        Child run = Store.StartCage("run", "--base", "host", "--isolation", isolation, "--", "sh", "-c", $"trap 'echo got TERM; exit 7' TERM; echo ready; {Waiting}");
        run.WaitFor("ready");
        run.Signal(Child.SIGTERM);
        Assert.Equal("ready\ngot TERM\n", run.End().Ended(7).Output);
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void WhatTheCallerIgnoresStaysIgnored(string isolation)
    {
        // As under nohup(1), and in a background job of a script.
        Store.Running(isolation);
        Child exec = Store.StartShell($"trap '' HUP INT; exec $CAGE exec web -- sh -c 'echo ready; {Waiting}'");
        exec.WaitFor("ready");
        exec.Signal(Child.SIGHUP);
        exec.Signal(Child.SIGINT);
        Thread.Sleep(100);
        Assert.True(HostView.Lives(exec.Id));
        exec.Signal(Child.SIGTERM);
        exec.End().Ended(128 + Child.SIGTERM);
    }

    [RootFact]
    public void ACallerThatIgnoresItsChildrenGetsTheStatusToo()
    {
        Store.Running("jail");
        Store.Bash("trap '' CHLD; exec $CAGE exec web -- sh -c 'exit 7'").Ended(7);
        Store.Bash("trap '' CHLD; exec $CAGE new copy --read-only --source $STORE/files --source-mode copy").Ended(0);
    }

    [RootFact]
    public void ManySignalsDoNotBreakTheWaiting()
    {
        Store.Running("jail");
        Child exec = StartInside($"trap : USR1; trap 'exit 7' TERM; echo ready; {Waiting}");
        exec.WaitFor("ready");
        for (int i = 0; i < 2000; i++) exec.Signal(Child.SIGUSR1);
        exec.Signal(Child.SIGTERM);
        exec.End().Ended(7);
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void AStoppedCageEndsWhatIsExecutedInIt(string isolation)
    {
        string id = Store.Running(isolation);
        Child exec = StartInside("echo ready; exec sleep 1000");
        exec.WaitFor("ready");
        Cage("stop", "web").Ended(0);
        Assert.Contains(exec.End().Status, (int[])[128 + Child.SIGTERM, 128 + Child.SIGKILL]);
        Store.NothingIsLeftOf(id);
    }
}
