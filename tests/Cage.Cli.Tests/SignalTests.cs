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

    /// <summary>Stopped before it has executed, a command would hold up its caller, deaf to signals; stopped later it would not see them itself.</summary>
    [RootTheory]
    [InlineData(Child.SIGTERM)]
    [InlineData(Child.SIGINT)]
    [InlineData(Child.SIGHUP)]
    public void ACommandThatOthersInTheCageStopAtOnceEndsByASignal(int signal)
    {
        Store.Running("jail");
        StopAllInside();
        // Whether it is caught, and when, is a matter of luck: one of some will be.
        for (int i = 0; i < 5; i++)
        {
            Child exec = Store.StartCage("exec", "web", "--", "sleep", "1000");
            Thread.Sleep(200);
            Assert.Equal("Running", Store.State("web"));
            exec.Signal(signal);
            Outcome outcome = exec.End();
            Assert.True(outcome.Status == 128 + signal || outcome is { Status: 130, Error: "cage: interrupted.\n" }, $"it ended with {outcome.Status}: {outcome.Error}");
        }
    }

    [RootTheory]
    [InlineData("exec", "web", "--", "sleep", "1000")]
    [InlineData("spawn", "web", "--", "sleep", "1000")]
    public void AStopEndsWhatOthersInTheCageStopAtOnce(params string[] command)
    {
        string id = Store.Running("jail");
        StopAllInside();
        Child[] held = [.. Enumerable.Range(0, 3).Select(number => Store.StartCage([.. command[..2], .. command[0] == "spawn" ? ["--service", $"s{number}"] : Array.Empty<string>(), .. command[2..]]))];
        Thread.Sleep(200);
        Cage("stop", "--force", "web").Silently();
        foreach (Child child in held) child.Exit();
        Store.NothingIsLeftOf(id);
    }

    /// <summary>Lets a process in the cage stop all others as soon as they are there, and returns once it does.</summary>
    private void StopAllInside()
    {
        Inside("(while kill -0 $$; do :; done; echo >/ready; while :; do kill -STOP -1; done) >/dev/null 2>&1 </dev/null &").Ended(0);
        Wait.Until(() => Store.Cage("show", "web", "--json").Objects()[0].Text("path") is string path && File.Exists($"{path}/root/ready"), () => "it did not come up");
    }
}
