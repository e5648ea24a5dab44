namespace Cage.Cli.Tests;

/// <summary>
/// <c>cage run</c> starts its Jail's init before its own runtime is up (Cage.Native/headstart.c); with <c>--isolation jail</c> it does
/// not. Nobody may see a difference, and what was started in vain is gone when the command is.
/// </summary>
public sealed class HeadStartTests : CageTest
{
    private static readonly string[] _run = ["run", "--base", "host"];

    [ToolFact("strace")]
    public void TheInitIsStartedBeforeTheConfIsRead()
    {
        Store.Host();
        Assert.True(StartsBeforeConf(_run));
        Assert.False(StartsBeforeConf([.. _run, "--isolation", "jail"]));
    }

    private bool StartsBeforeConf(string[] run)
    {
        string log = $"{Store.Files}/strace.log";
        using Child child = Store.Start("strace", ["-qq", "-o", log, "-e", "trace=clone3,open,openat", CageProgram.RequiredPath, .. run, "--", "true"]);
        child.End().Ended(0);
        string[] calls = File.ReadAllLines(log);
        int init = Array.FindIndex(calls, line => line.StartsWith("clone3(", StringComparison.Ordinal) && line.Contains("CLONE_NEWPID", StringComparison.Ordinal));
        int conf = Array.FindIndex(calls, line => line.Contains(Store.Conf, StringComparison.Ordinal));
        Assert.True(init >= 0 && conf >= 0, string.Join('\n', calls));
        return init < conf;
    }

    [ToolTheory("ps")]
    [InlineData("cut -d' ' -f5- /proc/self/mountinfo")]
    [InlineData("cat /proc/self/cgroup")]
    [InlineData("grep -E '^(Cap|NoNewPrivs|Seccomp|Sig(Blk|Ign|Cgt)|Uid|Gid|Groups|NSpid)' /proc/self/status /proc/1/status")]
    [InlineData("ps -eo pid,ppid,pgid,sid,tty,args")]
    [InlineData("hostname; env | sort; pwd; umask; ulimit -a; ls -l /proc/self/fd | grep -c ' -> '; tr '\\0' ' ' </proc/1/cmdline")]
    public void TheInsideIsTheSameWithAndWithoutIt(string script)
    {
        Store.Host();
        string Inside(params string[] options) => Cage([.. _run, .. options, "--", "sh", "-c", script]).Ended(0).Output;
        Assert.Equal(Inside("--isolation", "jail"), Inside());
    }

    /// <summary>It is a copy of the command: what the caller has said and has in its environment is not in it any more.</summary>
    [RootFact]
    public void TheInitHasNothingOfTheCallers()
    {
        Store.Host();
        Outcome outcome = Store.Shell($$"""
            SECRET=hush $CAGE run --base host --bind /usr:/mnt -- sh -c 'echo up; exec sleep 1000' >"{{Store.Files}}/out" &
            for i in $(seq 600); do grep -q up "{{Store.Files}}/out" && break; sleep 0.05; done
            for child in $(cat /proc/$!/task/$!/children); do
                grep -Eq '^NSpid:.*\s1$' /proc/$child/status || continue
                tr '\0' ' ' </proc/$child/cmdline; echo
                grep -ac -e hush -e mnt /proc/$child/environ || true
            done
            kill $!; wait $! || true
            """);
        Assert.Equal(["cage init run ", "0"], outcome.Ended(0).Lines);
    }

    [RootTheory]
    [InlineData("true </proc/1/exe")]
    [InlineData("readlink /proc/1/exe >/dev/null")]
    [InlineData("dd if=/proc/1/mem of=/dev/null count=1 2>/dev/null")]
    [InlineData("cat /proc/1/environ >/dev/null")]
    public void NobodyInsideReachesItsProgramOrItsMemory(string attempt)
    {
        Store.Host();
        Cage([.. _run, "--", "sh", "-c", $"if {attempt}; then exit 0; else exit 7; fi"]).Ended(7);
    }

    [RootFact]
    public void TheNamespacesAreItsOwnAsWithoutIt()
    {
        Store.Host();
        string[] kinds = ["mnt", "pid", "ipc", "uts", "cgroup", "net", "user", "time"];
        string script = string.Join(';', kinds.Select(kind => $"readlink /proc/self/ns/{kind}"));
        bool[] Own(params string[] options)
        {
            string[] inside = Cage([.. _run, .. options, "--", "sh", "-c", script]).Ended(0).Lines;
            return [.. kinds.Select((kind, i) => inside[i] != File.ResolveLinkTarget($"/proc/self/ns/{kind}", returnFinalTarget: false)!.Name)];
        }
        Assert.Equal([true, true, true, true, true, false, false, false], Own());
        Assert.Equal(Own("--isolation", "jail"), Own());
    }

    /// <summary>In a hierarchy of control groups of its own, in which nobody else's come and go.</summary>
    [RootTheory]
    [InlineData("run", 125)]
    [InlineData("run --nope -- true", 125)]
    [InlineData("run name -- true", 125)]
    [InlineData("run --base none -- true", 125)]
    [InlineData("run -t --base host -- true", 125)]
    [InlineData("run -u nobody-here --base host -- true", 125)]
    [InlineData("run --base host -- /none", 127)]
    [InlineData("run --base host --help", 0)]
    [InlineData("run --base host -- sh -c 'exit 7'", 7)]
    [InlineData("run --base host -- true <&-", 0)]
    [InlineData("run --base host -- true >&-", 0)]
    [InlineData("run --base host -- true 2>&-", 0)]
    [InlineData("run --base host -- true <&- >&- 2>&-", 0)]
    [InlineData("CAGE_CONF=/none", 125)]
    public void NothingIsLeftTheMomentItEnds(string line, int status)
    {
        if (HostView.ControlGroups is not string groups) return;
        Store.Host();
        string command = line.StartsWith("CAGE_CONF", StringComparison.Ordinal) ? $"{line} $CAGE run -- true" : $"$CAGE {line}";
        Outcome outcome = Store.PrivateShell($$"""
            own={{groups}}/{{Path.GetFileName(Store.Top)}}
            mkdir $own
            trap 'umount {{groups}}; rmdir $own' EXIT
            mount --bind $own {{groups}}
            status=0; ({{command}}) >/dev/null || status=$?
            echo status $status
            find {{groups}} -mindepth 1 -type d
            """);
        Assert.Equal([$"status {status}"], outcome.Ended(0).Lines);
    }

    [RootTheory]
    [InlineData("$CAGE run --base host -- sh -c 'echo out; echo err >&2; cat; exit 7' <&-", "out\n", "err\n")]
    [InlineData("$CAGE run --base host -- sh -c 'echo err >&2; exit 7' >&-", "", "err\n")]
    [InlineData("$CAGE run --base host -- sh -c 'echo out; exit 7' 2>&-", "out\n", "")]
    [InlineData("$CAGE run --base host -- sh -c 'exit 7' <&- >&- 2>&-", "", "")]
    [InlineData("trap '' CHLD; exec $CAGE run --base host -- sh -c 'echo out; exit 7'", "out\n", "")]
    [InlineData("trap '' HUP INT TERM PIPE; exec $CAGE run --base host -- sh -c 'echo out; exit 7'", "out\n", "")]
    public void TheCallersStreamsMayBeClosedAndItsSignalsIgnored(string script, string output, string error)
    {
        Store.Host();
        Outcome outcome = Store.Shell(script);
        outcome.Ended(7);
        Assert.Equal((output, error), (outcome.Output, outcome.Error));
    }

    [RootTheory]
    [InlineData(Child.SIGKILL)]
    [InlineData(Child.SIGINT)]
    public void EndedAtAnyTimeItLeavesNoProcessAndTheNextClearsItsGroup(int signal)
    {
        Store.Host();
        string groups = $"{HostView.ControlGroups}/cage", mark = $"0.0{Random.Shared.Next(50000, 59999)}";
        HashSet<string> before = Directory.Exists(groups) ? [.. Directory.EnumerateDirectories(groups)] : [];
        for (int quarter = 0; quarter <= 32; quarter++)
        {
            using Child child = Store.StartCage([.. _run, "--", "sleep", mark]);
            Wait.Exactly(TimeSpan.FromMilliseconds(quarter / 4.0));
            child.Signal(signal);
            child.End();
        }
        Wait.Until(() => HostView.OtherTablesWith(Store.Top).Count == 0, () => $"left: {string.Join('\n', HostView.OtherTablesWith(Store.Top))}");
        Wait.Until(() => HostView.WithCommandLine($"sleep {mark}").Length == 0, () => "the command lives on");
        Store.NothingRuns();
        string[] left = Directory.Exists(groups) ? [.. Directory.EnumerateDirectories(groups).Except(before)] : [];
        Cage([.. _run, "--", "true"]).Silently();
        // One with processes is another's, who runs cages beside us.
        Assert.DoesNotContain(left, group => Directory.Exists(group) && !HostView.IsPopulated(group));
    }
}
