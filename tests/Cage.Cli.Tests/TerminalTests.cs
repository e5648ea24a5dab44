namespace Cage.Cli.Tests;

/// <summary>cage enter, and exec -t: a proper terminal inside, and the caller's as it was afterwards.</summary>
public sealed class TerminalTests : CageTest
{
    [ToolTheory("tmux")]
    [MemberData(nameof(Isolations))]
    public void EnterIsAShellWithJobControl(string isolation)
    {
        Store.Running(isolation);
        using Tmux terminal = new(Store);
        string before = terminal.Ask("stty -g"), type = terminal.Ask("echo $TERM");
        terminal.Type("$CAGE enter web; echo \"left with \"$?");
        // The prompt of the cage's own shell, whatever it is, is there once it answers.
        terminal.Type("PS1='cage> '");
        terminal.WaitFor("cage> ");
        if (isolation == "jail") Assert.Equal("web", terminal.Ask("uname -n"));
        Assert.Matches("^/dev/pts/[0-9]+$", terminal.Ask("tty"));
        Assert.Equal("30 100", terminal.Ask("stty size"));
        Assert.Equal(type, terminal.Ask("echo $TERM"));
        // The shell leads its own session on that terminal, and job control works.
        Assert.Equal("same", terminal.Ask("[ $(ps -o sid= -p $$) -eq $$ ] && echo same"));

        string sleep = $"sleep 46{Random.Shared.Next(10000, 99999)}";
        terminal.Type($"clear; {sleep}");
        Wait.Until(() => HostView.WithCommandLine(sleep).Length > 0, () => $"{sleep} did not start");
        terminal.Key("C-z");
        terminal.WaitFor("Stopped");
        Assert.Contains("Stopped", terminal.Ask("jobs"));
        Assert.Equal("42", terminal.Ask("echo $((40+2))"));
        terminal.Type("fg");
        Thread.Sleep(200);
        terminal.Key("C-c");
        terminal.Type("echo \"status \"$?");
        terminal.WaitFor("status 130");
        Assert.Equal("", terminal.Ask("jobs"));

        terminal.Resize(120, 40);
        Assert.True(Wait.For(() => terminal.Ask("stty size") == "40 120", Child.Patience), "the new size did not get in");
        terminal.Type("exit 7");
        terminal.WaitFor("left with 7");
        Assert.Equal(before, terminal.Ask("stty -g"));
        Assert.Equal("Running", Store.State("web"));
    }

    [ToolTheory("tmux")]
    [MemberData(nameof(Isolations))]
    public void TheTerminalIsRestoredWhenTheShellIsKilledOrTheCageStopped(string isolation)
    {
        Store.Running(isolation);
        using Tmux terminal = new(Store);
        string before = terminal.Ask("stty -g");
        terminal.Type("$CAGE enter web; echo \"left with \"$?");
        terminal.Type("PS1='cage> '");
        terminal.WaitFor("cage> ");
        terminal.Type("kill -9 $$");
        terminal.WaitFor("left with 137");
        Assert.Equal(before, terminal.Ask("stty -g"));

        terminal.Type("clear; $CAGE enter web; echo \"left again with \"$?");
        terminal.Type("PS1='cage> '");
        terminal.WaitFor("cage> ");
        Cage("stop", "web", "--timeout", "0.3").Ended(0);
        terminal.WaitFor("left again with ");
        Assert.Equal(before, terminal.Ask("stty -g"));
    }

    [ToolFact("tmux")]
    public void ATermToEnterHangsUpInside()
    {
        Store.Running("jail");
        using Tmux terminal = new(Store);
        string before = terminal.Ask("stty -g");
        terminal.Type("$CAGE enter web; echo \"left with \"$?");
        terminal.Type("PS1='cage> '");
        terminal.WaitFor("cage> ");
        terminal.Ask("true");
        int enter = HostView.WithCommandLine($"{CageProgram.RequiredPath} enter web").Single();
        // A bash that is just about to read may miss one.
        Wait.Until(
            () =>
            {
                Child.Signal(enter, Child.SIGTERM);
                return Wait.For(() => terminal.Screen.Contains("left with 129", StringComparison.Ordinal), TimeSpan.FromSeconds(1));
            },
            () => $"the shell goes on. The screen:\n{terminal.Screen}");
        Assert.Equal(before, terminal.Ask("stty -g"));
    }

    [ToolTheory("tmux")]
    [MemberData(nameof(Isolations))]
    public void AClosedWindowEndsTheShellAndLeavesDaemonsAlone(string isolation)
    {
        string id = Store.Running(isolation);
        string mark = $"45{Random.Shared.Next(10000, 99999)}";
        using (Tmux terminal = new(Store))
        {
            terminal.Type("$CAGE enter web");
            terminal.Type("PS1='cage> '");
            terminal.WaitFor("cage> ");
            terminal.Ask($"{{ setsid sleep {mark} </dev/null >/dev/null 2>&1 & }}");
            terminal.Close();
        }
        OnlyRun(id, "init web", $"sleep {mark}");
        Assert.Single(HostView.WithCommandLine($"sleep {mark}"));
        Cage("stop", "web").Ended(0);
        Store.NothingIsLeftOf(id);
    }

    [ToolTheory("tmux")]
    [MemberData(nameof(Isolations))]
    public void AClosedWindowEndsAShellThatIgnoresHangUps(string isolation)
    {
        string id = Store.Running(isolation);
        using (Tmux terminal = new(Store))
        {
            terminal.Type("$CAGE enter web");
            terminal.Type("trap '' HUP TERM; PS1='cage> '");
            terminal.WaitFor("cage> ");
            terminal.Ask("true");
            terminal.Close();
        }
        OnlyRun(id, "init web");
    }

    [ToolFact("tmux")]
    public void ManyLinesComeThroughWhole()
    {
        Store.Running("jail");
        using Tmux terminal = new(Store);
        terminal.Type("$CAGE exec -t web -- seq 1 20000 | tr -d '\\r' | md5sum");
        terminal.WaitFor("ENOTTY");
        terminal.Type("clear; script -qec \"$CAGE exec -t web -- seq 1 20000\" /dev/null | tr -d '\\r' | md5sum");
        terminal.WaitFor(Store.Shell("seq 1 20000 | md5sum").Output.Trim());
    }

    [ToolTheory("tmux")]
    [MemberData(nameof(Isolations))]
    public void WithTheTerminalOfItsCallerACommandGetsCtrlCOnce(string isolation)
    {
        Store.Running(isolation);
        using Tmux terminal = new(Store);
        terminal.Type("clear; $CAGE exec web -- sh -c 'n=0; trap \"n=\\$((n+1)); echo INT-\\$n\" INT; echo re\"\"ady; while :; do sleep 0.05; done'; echo \"left with \"$?");
        terminal.WaitFor("ready");
        terminal.Key("C-c");
        terminal.WaitFor("INT-1");
        Thread.Sleep(300);
        Assert.DoesNotContain("INT-2", terminal.Screen);
        terminal.Key("C-\\");
        terminal.WaitFor("left with 131");
    }

    [ToolTheory("tmux")]
    [MemberData(nameof(Isolations))]
    public void WithTheTerminalOfItsCallerACommandIsAJobOfTheCallersShell(string isolation)
    {
        Store.Running(isolation);
        using Tmux terminal = new(Store);
        string sleep = $"sleep 49{Random.Shared.Next(10000, 99999)}";
        terminal.Type($"clear; $CAGE exec web -- sh -c 'echo re\"\"ady; {sleep}; :'");
        terminal.WaitFor("ready");
        Wait.Until(() => Sleeping().Length == 1, () => $"{sleep} did not start");
        int pid = Sleeping()[0];
        terminal.Key("C-z");
        terminal.WaitFor("Stopped");
        Assert.True(Wait.For(() => State(pid) == 'T', Child.Patience), "the shell goes on, and so does what it has started");
        terminal.Type("bg");
        Assert.True(Wait.For(() => State(pid) == 'S', Child.Patience), "it does not go on");
        terminal.Type("fg");
        Thread.Sleep(200);
        terminal.Key("C-c");
        terminal.Type("echo \"left with \"$?");
        terminal.WaitFor("left with 130");
        Assert.Empty(Sleeping());

        int[] Sleeping() => [.. HostView.WithCommandLine(sleep).Where(pid => File.ReadAllText($"/proc/{pid}/comm") == "sleep\n")];
        static char State(int pid) => File.ReadAllText($"/proc/{pid}/stat").Split(") ")[^1][0];
    }

    [ToolTheory("tmux")]
    [MemberData(nameof(NamespaceIsolations))]
    public void CtrlCEndsARunAndLeavesNothing(string isolation)
    {
        Store.Host();
        string sleep = $"sleep 48{Random.Shared.Next(10000, 99999)}";
        using Tmux terminal = new(Store);
        terminal.Type($"clear; $CAGE run --base host --isolation {isolation} -- sh -c 'setsid {sleep} & echo re\"\"ady; exec {sleep}'; echo \"left with \"$?");
        terminal.WaitFor("ready");
        terminal.Key("C-c");
        terminal.WaitFor("left with 130");
        Assert.Empty(HostView.WithCommandLine(sleep));
        Assert.Empty(HostView.OtherTablesWith(Store.Top));
    }

    [ToolTheory("tmux")]
    [MemberData(nameof(Isolations))]
    public void WithItsOwnTerminalTooAndTheTerminalsNameIsTrueInside(string isolation)
    {
        Store.Running(isolation);
        using Tmux terminal = new(Store);
        const string Script = "trap \"exit 5\" INT; test -c $(tty) && test $(tty) -ef /proc/self/fd/0 && echo name is tr\"\"ue >$(tty); while :; do sleep 0.05; done";
        terminal.Type($"clear; $CAGE exec -t web -- sh -c '{Script}'; echo \"left with \"$?");
        terminal.WaitFor("name is true");
        terminal.Key("C-c");
        terminal.WaitFor("left with 5");
    }

    [ToolFact("tmux")]
    public void RunHasATerminalToo()
    {
        Store.Host();
        using Tmux terminal = new(Store);
        terminal.Type("clear; $CAGE run -t --base host -- sh -c 'tty; stty size; exit 3'; echo \"left with \"$?");
        terminal.WaitFor("left with 3");
        Assert.Contains("/dev/pts/0\n30 100\n", terminal.Screen);
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void WithoutATerminalThereIsNoEntering(string isolation)
    {
        Store.Running(isolation);
        Cage("enter", "web").Failed(125, "ENOTTY", "exec");
        Cage("exec", "-t", "web", "--", "true").Failed(125, "ENOTTY");
        Cage("run", "-t", "--base", "host", "--", "true").Failed(125, "ENOTTY");
    }

    /// <summary>Waits until nothing runs in the cage but what has one of these words in its command line.</summary>
    private void OnlyRun(string id, params string[] words) => Wait.Until(
        () => Store.ProcessesOf(id).All(process => words.Any(word => process.Contains(word, StringComparison.Ordinal))),
        () => $"still there: {string.Join('\n', Store.ProcessesOf(id))}");
}
