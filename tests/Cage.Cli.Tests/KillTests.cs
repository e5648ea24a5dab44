namespace Cage.Cli.Tests;

/// <summary>
/// The command dies, or is told to stop, at any point of its work. Afterwards one <c>cage stop</c> leaves nothing, and the cage starts
/// again. The points are times, a quarter of a millisecond apart, and with strace every single system call that changes something.
/// </summary>
public sealed class KillTests : CageTest
{
    private const string Changing =
        "?mkdir,?mkdirat,?chmod,?fchmodat,?rename,?renameat,?renameat2,?unlink,?rmdir,?unlinkat,?symlink,?symlinkat,?mknod,?mknodat," +
        "?fsopen,?fsconfig,?fsmount,?open_tree,?move_mount,?mount_setattr,?mount,?umount2,?clone3,?clone,?wait4,?waitid,?kill," +
        "?pidfd_open,?pidfd_send_signal,?flock,?setns,?unshare,?socketpair,?write,?pwrite64,?sendmsg,?fsync,?ftruncate";

    private static readonly TimeSpan _step = TimeSpan.FromMicroseconds(250), _end = TimeSpan.FromMilliseconds(8);

    private static IEnumerable<TimeSpan> Delays
    {
        get
        {
            for (TimeSpan delay = TimeSpan.Zero; delay <= _end; delay += _step) yield return delay;
        }
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void AStartKilledAtAnyTimeIsClearedByAStop(string isolation)
    {
        string id = Store.Stopped(isolation);
        foreach (TimeSpan delay in Delays)
        {
            Interrupt(["start", "web"], delay, Child.SIGKILL);
            StopLeavesNothing(id, $"after {delay.TotalMilliseconds} ms");
        }
        Works(id);
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void AStartInterruptedAtAnyTimeLeavesTheHostAsItWas(string isolation)
    {
        string id = Store.Stopped(isolation);
        foreach (int signal in (int[])[Child.SIGINT, Child.SIGTERM])
            foreach (TimeSpan delay in Delays)
            {
                Outcome start = Interrupt(["start", "web"], delay, signal);
                if (start.Status == 0)
                {
                    StopLeavesNothing(id, $"after {delay.TotalMilliseconds} ms");
                    continue;
                }
                // Before it listens the signal ends it, afterwards it unwinds and says so.
                Assert.True(start.Status is 130 || start.Status == 128 + signal, $"it ended with {start.Status}: {start.Error}");
                Assert.Matches("^(|cage: interrupted\\.\n)$", start.Error);
                Store.NothingRuns(id);
            }
        Works(id);
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void AStopKilledOrInterruptedAtAnyTimeIsFinishedByAnother(string isolation)
    {
        string id = Store.Stopped(isolation);
        foreach (int signal in (int[])[Child.SIGKILL, Child.SIGINT])
            foreach (TimeSpan delay in Delays)
            {
                Cage("start", "web").Silently();
                Child daemon = Store.StartCage("exec", "web", "--", "sleep", "1000");
                Interrupt(["stop", "web"], delay, signal);
                StopLeavesNothing(id, $"after {delay.TotalMilliseconds} ms");
                daemon.Exit();
            }
        Works(id);
    }

    [ToolTheory("strace")]
    [MemberData(nameof(Isolations))]
    public void AStartKilledAtAnySystemCallIsClearedByAStop(string isolation)
    {
        string id = Store.Stopped(isolation);
        int calls = KillAtEachCall(["start", "web"], () => { }, number => StopLeavesNothing(id, $"at call {number}"));
        Assert.InRange(calls, 10, 400);
        Works(id);
    }

    [ToolTheory("strace")]
    [MemberData(nameof(Isolations))]
    public void AStopKilledAtAnySystemCallIsFinishedByAnother(string isolation)
    {
        string id = Store.Stopped(isolation);
        int calls = KillAtEachCall(["stop", "web"], () => Cage("start", "web").Silently(), number => StopLeavesNothing(id, $"at call {number}"));
        Assert.InRange(calls, 3, 200);
        Works(id);
    }

    [RootTheory]
    [MemberData(nameof(NamespaceIsolations))]
    public void ARunKilledAtAnyTimeLeavesNoProcessAndNoMount(string isolation)
    {
        Store.Host();
        string groups = $"{HostView.ControlGroups}/cage";
        HashSet<string> before = Directory.Exists(groups) ? [.. Directory.EnumerateDirectories(groups)] : [];
        foreach (TimeSpan delay in Delays) Interrupt(["run", "--base", "host", "--isolation", isolation, "--", "sleep", "0.05"], delay, Child.SIGKILL);
        Wait.Until(() => HostView.OtherTablesWith(Store.Top).Count == 0, () => $"left: {string.Join('\n', HostView.OtherTablesWith(Store.Top))}");
        Store.NothingRuns();
        // The groups are empty, and the next run takes them away.
        string[] left = Directory.Exists(groups) ? [.. Directory.EnumerateDirectories(groups).Except(before)] : [];
        Cage("run", "--base", "host", "--isolation", isolation, "--", "true").Silently();
        // One with processes is another's, who runs cages beside us.
        Assert.DoesNotContain(left, group => Directory.Exists(group) && !HostView.IsPopulated(group));
    }

    [ToolTheory("strace")]
    [InlineData("new")]
    [InlineData("remove")]
    public void MakingAndRemovingAreWholeOrNotAtAll(string command)
    {
        string source = $"{Store.Files}/source";
        Directory.CreateDirectory($"{source}/a/b");
        File.WriteAllText($"{source}/a/b/file", "x");
        string[] make = ["new", "copy", "--read-only", "--source", source, "--source-mode", "copy"];
        int calls = KillAtEachCall(
            command == "new" ? make : ["remove", "copy"],
            () =>
            {
                if (command == "remove") Cage(make).Ended(0);
            },
            number =>
            {
                RemoveWhatIsWhole();
                // Whoever makes the next one clears away, or finishes, what the killed one had hidden.
                Store.New("next", "--read-only");
                Cage("remove", "next").Silently();
                RemoveWhatIsWhole();
                Assert.True(Directory.GetFileSystemEntries(Store.Data).Length == 0, $"at call {number}: left {string.Join(' ', Directory.GetFileSystemEntries(Store.Data))}");
            });
        Assert.InRange(calls, 5, 100);
    }

    private void RemoveWhatIsWhole()
    {
        foreach (var cage in Cage("list", "--json").Objects())
        {
            Assert.Equal("x", File.ReadAllText($"{cage.Text("rootPath")}/a/b/file"));
            Cage("remove", cage.Text("id")!).Silently();
        }
    }

    private Outcome Interrupt(string[] arguments, TimeSpan delay, int signal)
    {
        using Child child = Store.StartCage(arguments);
        Wait.Exactly(delay);
        child.Signal(signal);
        return child.End();
    }

    /// <summary>Kills the command at its first changing system call, then another one at its second, and so on.</summary>
    /// <returns>How many there were.</returns>
    private int KillAtEachCall(string[] arguments, Action before, Action<int> after)
    {
        // strace counts each call by name, so the order is needed: that of a run that nobody disturbs.
        string log = $"{Store.Files}/strace.log";
        before();
        Trace(["-o", log, "-e", $"trace={Changing}"], arguments).Ended(0);
        string[] calls = [.. File.ReadLines(log).Where(line => line.Contains('(') && char.IsAsciiLetter(line[0])).Select(line => line[..line.IndexOf('(')])];
        after(0);
        for (int number = 1; number <= calls.Length; number++)
        {
            string call = calls[number - 1];
            int occurrence = calls.Take(number).Count(other => other == call);
            before();
            Outcome outcome = Trace(["-o", "/dev/null", "-e", $"trace={call}", "-e", $"inject={call}:signal=KILL:when={occurrence}"], arguments);
            // One more or less may be made another time.
            Assert.True(outcome.Status is 0 or 137, $"{outcome.CommandLine}\nended with {outcome.Status}: {outcome.Error}");
            after(number);
        }
        return calls.Length;
    }

    private Outcome Trace(string[] options, string[] arguments)
    {
        using Child child = Store.Start("strace", ["-qq", .. options, CageProgram.RequiredPath, .. arguments]);
        return child.End();
    }

    private void StopLeavesNothing(string id, string when)
    {
        Outcome stop = Cage("stop", id, "--timeout", "1");
        Assert.True(stop.Status == 0, $"{when}: stop ended with {stop.Status}: {stop.Error}");
        try
        {
            Store.NothingRuns(id);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{when}: {e.Message}", e);
        }
    }

    private void Works(string id)
    {
        Store.NothingIsLeftOf(id);
        Cage("start", id).Silently();
        Assert.Equal("42\n", Cage("exec", id, "--", "echo", "42").Ended(0).Output);
        Cage("stop", id).Ended(0);
        Store.NothingIsLeftOf(id);
    }
}
