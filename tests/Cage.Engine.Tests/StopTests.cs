using System.Diagnostics;
using Cage.Engine.Plans;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>Stopping: what runs is ended, what is mounted is unmounted, and what cannot be is told with who holds it.</summary>
public sealed class StopTests(SmallRoot root) : SmallRootTests(root)
{
    private static StopOptions Within(double seconds) => new() { Patience = TimeSpan.FromSeconds(seconds) };

    /// <summary>The processes besides the init, once there are as many.</summary>
    private int[] Wait(CageInfo cage, int count)
    {
        int[] found = [];
        TestStore.Wait(() => (found = [.. _test.Engine.GetProcesses(cage).Where(process => !process.IsInit && process.Name != "setsid").Select(process => process.Id)]).Length == count);
        Assert.Equal(count, found.Length);
        return found;
    }

    private static bool Lives(int pid) => ProcessStat.Read(pid) is { IsDead: false };

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void What_runs_is_ended_however_it_was_started(CageIsolation isolation)
    {
        CageRecord record = NewCage(isolation);
        using RunningCage web = _test.Start(record);
        _test.Sh(web.Info, $"setsid sleep 1000 {Quiet} & (setsid sh -c 'sleep 1001; :' {Quiet} &)");
        int[] pids = Wait(web.Info, 3);
        Assert.All(pids, pid => Assert.True(Lives(pid)));
        string plan = string.Join('\n', _test.Engine.PlanStop(record).Lines.Select(line => $"{line.Action} {line.Target}"));
        Assert.All(pids, pid => Assert.Contains($"{pid}", plan));
        Stopwatch watch = Stopwatch.StartNew();
        Assert.Empty(_test.Stop(record, Within(20)));
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 5);
        Assert.All(pids, pid => Assert.False(Lives(pid)));
        _test.AssertNothingLeft(record);
        Assert.Empty(_test.Engine.GetProcesses(_test.Look(record)));
        Assert.Empty(_test.Engine.GetMounts(_test.Look(record)));
        Assert.False(_test.Engine.Stop(record));
    }

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void What_ignores_TERM_is_killed_after_the_patience_and_what_is_stopped_gets_its_TERM(CageIsolation isolation)
    {
        CageRecord record = NewCage(isolation);
        using RunningCage web = _test.Start(record);
        _test.Sh(web.Info, $"setsid bash -c 'trap \"\" TERM HUP; echo >/tmp/deaf; while :; do read -t 100 <>/dev/full; done' {Quiet} &");
        _test.Sh(web.Info, $"setsid bash -c 'trap \"echo ended >/etc/ended; exit\" TERM; kill -STOP $$; while :; do sleep 0.01; done' {Quiet} &");
        _test.Sh(web.Info, "while ! [ -e /tmp/deaf ]; do sleep 0.01; done");
        int[] pids = Wait(web.Info, 2);
        int stopped = 0;
        TestStore.Wait(() => (stopped = pids.FirstOrDefault(pid => ProcessStat.Read(pid) is { State: 'T' })) != 0);
        Assert.NotEqual(0, stopped);
        Stopwatch watch = Stopwatch.StartNew();
        Assert.Empty(_test.Stop(record, Within(0.4)));
        Assert.InRange(watch.Elapsed.TotalSeconds, 0.4, 5);
        Assert.All(pids, pid => Assert.False(Lives(pid)));
        Assert.Equal("ended\n", File.ReadAllText($"{record.RootPath}/etc/ended"));
        _test.AssertNothingLeft(record);
    }

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void By_force_nothing_is_waited_for(CageIsolation isolation)
    {
        CageRecord record = _test.SetKey(NewCage(isolation), "stop", "down");
        File.WriteAllText($"{record.Path}/down", "echo ran >/etc/ran\nsleep 1000\n");
        using RunningCage web = _test.Start(record);
        _test.Sh(web.Info, $"setsid bash -c 'trap \"\" TERM; while :; do read -t 100 <>/dev/full; done' {Quiet} &");
        Wait(web.Info, 1);
        Stopwatch watch = Stopwatch.StartNew();
        Assert.Empty(_test.Stop(record, new StopOptions { Force = true, Patience = TimeSpan.FromSeconds(100) }));
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 3);
        Assert.False(File.Exists($"{record.RootPath}/etc/ran"));
        _test.AssertNothingLeft(record);
    }

    /// <summary>Its number changes all the time, so that no list of numbers has it.</summary>
    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void What_forks_all_the_time_is_caught(CageIsolation isolation)
    {
        CageRecord record = NewCage(isolation);
        using RunningCage web = _test.Start(record);
        _test.Sh(web.Info, $"setsid bash -c 'trap \"\" TERM; f() {{ ( f & ) & }}; f' {Quiet} & setsid bash -c 'trap \"\" TERM; while :; do (sleep 0.01 &); done' {Quiet} &");
        Thread.Sleep(100);
        Assert.Empty(_test.Stop(record, Within(0.2)));
        _test.AssertNothingLeft(record);
    }

    /// <summary>Joined by hand, thus in no group of the cage's.</summary>
    [CageTheory]
    [InlineData(CageIsolation.Chroot, "chroot \"$root\" sleep 1000")]
    [InlineData(CageIsolation.Chroot, "chroot \"$root/usr\" bin/sleep 1000")]
    [InlineData(CageIsolation.Pivot, "nsenter -t $init -m sleep 1000")]
    [InlineData(CageIsolation.Jail, "nsenter -t $init -m -p -i -u sleep 1000")]
    public void What_hands_have_started_in_it_is_ended_too(CageIsolation isolation, string line)
    {
        CageRecord record = NewCage(isolation);
        using RunningCage web = _test.Start(record);
        using Process hand = Shell.Start($"exec {line} </dev/null >&- 2>&-", ("root", record.MountPath), ("init", $"{web.Info.ProcessId}"));
        if (isolation != CageIsolation.Jail) Wait(web.Info, 1);
        else TestStore.Wait(() => ProcessStat.Read(hand.Id)?.Name == "sleep" || Directory.Exists($"/proc/{hand.Id}/task/{hand.Id}") && File.ReadAllText($"/proc/{hand.Id}/task/{hand.Id}/children").Length > 0);
        Assert.False(hand.HasExited);
        Assert.Empty(_test.Stop(record));
        Assert.True(hand.WaitForExit(5000));
        _test.AssertNothingLeft(record);
    }

    /// <summary>A caller that is stopped itself, or slow, does not wait for its command: the stop must not wait for the caller.</summary>
    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void A_command_whose_caller_does_not_wait_for_it_does_not_keep_the_cage(CageIsolation isolation)
    {
        CageRecord record = NewCage(isolation);
        using RunningCage web = _test.Start(record);
        using Descriptor nothing = Files.Open("/dev/null", Files.O_RDWR);
        using SpawnedProcess command = _test.Engine.Run(web.Info, TestStore.Command("/bin/sleep", "1000") with { Descriptors = [nothing, nothing, nothing] });
        try
        {
            Stopwatch watch = Stopwatch.StartNew();
            Assert.Empty(_test.Stop(record));
            Assert.InRange(watch.Elapsed.TotalSeconds, 0, 5);
        }
        finally
        {
            Assert.Equal(128 + Processes.SIGTERM, Processes.Wait(command.Id).ExitStatus);
        }
        _test.Stop(record);
        _test.AssertNothingLeft(record);
    }

    [RootFact]
    public void Who_keeps_a_mount_busy_is_named_and_it_goes_on_when_that_has_ended()
    {
        CageRecord record = NewCage(CageIsolation.Chroot);
        using RunningCage web = _test.Start(record);
        using Process holder = Shell.Start("cd \"$mnt/tmp\"; echo in; exec sleep 1000", ("mnt", record.MountPath));
        try
        {
            Assert.Equal("in", holder.StandardOutput.ReadLine());
            CageException e = Assert.Throws<CageException>(() => _test.Stop(record));
            Assert.Equal(CageError.CageBusy, e.Error);
            Assert.Contains("EBUSY", e.Message);
            Assert.Contains($"{record.MountPath}/tmp", e.Message);
            Assert.Contains($"process {holder.Id} (sleep), its cwd", e.Message);
            Assert.Contains("--force", e.Message);
            Assert.False(holder.HasExited);
            Assert.Equal(CageState.Running, _test.Look(record).State);
        }
        finally
        {
            holder.Kill();
            holder.WaitForExit();
        }
        Assert.Empty(_test.Stop(record));
        _test.AssertNothingLeft(record);
    }

    [RootTheory]
    [InlineData("exec 9<\"$mnt/etc/base\"", "open file")]
    [InlineData("exec 9>\"$mnt/dev/shm/x\"", "open file")]
    [InlineData("cd \"$mnt\"", "cwd")]
    public void A_busy_mount_is_detached_by_force_with_a_warning(string hold, string how)
    {
        CageRecord record = NewCage(CageIsolation.Chroot);
        using RunningCage web = _test.Start(record);
        using Process holder = Shell.Start($"{hold}; echo in; exec sleep 1000", ("mnt", record.MountPath));
        try
        {
            Assert.Equal("in", holder.StandardOutput.ReadLine());
            Assert.Equal(CageError.CageBusy, Assert.Throws<CageException>(() => _test.Stop(record)).Error);
            IReadOnlyList<string> warnings = _test.Stop(record, new StopOptions { Force = true });
            Assert.Contains(warnings, warning => warning.Contains("lazily", StringComparison.Ordinal) && warning.Contains($"process {holder.Id} (sleep), its {how}", StringComparison.Ordinal));
            _test.AssertNothingLeft(record);
            Assert.False(holder.HasExited);
        }
        finally
        {
            holder.Kill();
            holder.WaitForExit();
        }
        // The kernel frees what was detached once nobody holds it: it can be started again.
        using RunningCage again = _test.Start(record);
        Assert.Equal("small", _test.Sh(again.Info, "cat /etc/base"));
    }

    /// <summary>A namespace copied while it was up has private mounts of it that no umount here reaches. [spec 3]</summary>
    [RootFact]
    public void A_mount_namespace_that_still_has_it_is_named()
    {
        CageRecord record = NewCage(CageIsolation.Chroot);
        using RunningCage web = _test.Start(record);
        using Process holder = Shell.Start("exec unshare -m sh -c 'echo in; exec sleep 1000'");
        try
        {
            Assert.Equal("in", holder.StandardOutput.ReadLine());
            IReadOnlyList<string> warnings = _test.Stop(record, all: true);
            Assert.Contains(warnings, warning => warning.StartsWith(record.MountPath, StringComparison.Ordinal) && warning.Contains($"namespace of process {holder.Id} (sleep)", StringComparison.Ordinal));
            _test.AssertNothingLeft(record);
        }
        finally
        {
            holder.Kill();
            holder.WaitForExit();
        }
    }

    /// <summary>A Jail and a Pivot are copies of the host's mount namespace too, but let go of what they do not need.</summary>
    [CageFact]
    public void A_jail_that_was_started_meanwhile_does_not_hold_a_chroot()
    {
        CageRecord record = NewCage(CageIsolation.Chroot);
        Guid below = record.Base[0];
        using RunningCage web = _test.Start(record);
        using RunningCage jail = _test.Start(_test.Create(new NewCage { Name = "jail", Base = [below], Isolation = CageIsolation.Jail }).Record);
        using RunningCage pivot = _test.Start(_test.Create(new NewCage { Name = "pivot", Base = [below], Isolation = CageIsolation.Pivot }).Record);
        Assert.DoesNotContain(_test.Stop(record, all: true), warning => warning.Contains("(cage)", StringComparison.Ordinal));
        _test.AssertNothingLeft(record);
    }

    [RootFact]
    public void What_hands_have_mounted_in_it_is_unmounted_too()
    {
        CageRecord record = NewCage(CageIsolation.Chroot);
        using RunningCage web = _test.Start(record);
        Shell.Run("cd \"$mnt\"; mount -t tmpfs a home; mkdir home/b; mount -t tmpfs b home/b; mount --bind etc home/b; mount -t tmpfs over tmp; mount -t tmpfs all .", ("mnt", record.MountPath));
        Assert.Empty(_test.Stop(record));
        _test.AssertNothingLeft(record);
        Assert.Equal("small\n", File.ReadAllText($"{Root.Path}/etc/base"));
    }

    /// <summary>Whatever a start had done when it was killed, one stop clears it.</summary>
    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Jail)]
    public void What_a_killed_start_has_left_is_cleared_at_whatever_step(CageIsolation isolation)
    {
        CageRecord record = NewCage(isolation);
        int count = _test.Engine.PlanStart(record).Steps.Count(step => step.Side == StepSide.Host);
        for (int done = 1; done <= count; done++)
        {
            using Runtime.HostContext host = new(_test.Settings, record, _test.Stage);
            using (StepContext context = new() { Host = host })
                foreach (Step step in _test.Engine.PlanStart(record).Steps.Where(step => step.Side == StepSide.Host).Take(done)) step.Do(context);
            // The host's side dies: its descriptors are closed, and nothing is undone.
            host.Dispose();
            _test.Stop(record);
            _test.AssertNothingLeft(record);
        }
        using RunningCage web = _test.Start(record);
    }

    [CageFact]
    public void A_stop_can_be_cancelled_and_another_goes_on()
    {
        CageRecord record = NewCage(CageIsolation.Jail);
        using RunningCage web = _test.Start(record);
        _test.Sh(web.Info, $"setsid bash -c 'trap \"\" TERM; echo >/tmp/deaf; while :; do read -t 100 <>/dev/full; done' {Quiet} & while ! [ -e /tmp/deaf ]; do sleep 0.01; done");
        using CancellationTokenSource soon = new(TimeSpan.FromMilliseconds(200));
        Stopwatch watch = Stopwatch.StartNew();
        Assert.Throws<OperationCanceledException>(() => _test.Engine.Stop(record, Within(100), cancellation: soon.Token));
        Assert.InRange(watch.Elapsed.TotalSeconds, 0.1, 3);
        Assert.Equal(CageState.Running, _test.Look(record).State);
        Assert.Empty(_test.Stop(record, Within(0.1)));
        _test.AssertNothingLeft(record);
    }

    [CageFact]
    public void A_jail_whose_init_was_killed_is_stopped_and_starts_again()
    {
        CageRecord record = NewCage(CageIsolation.Jail);
        using RunningCage web = _test.Start(record);
        _test.Sh(web.Info, $"setsid sleep 1000 {Quiet} &");
        int pid = Wait(web.Info, 1)[0];
        Processes.Kill(web.Info.ProcessId!.Value, Processes.SIGKILL);
        TestStore.Wait(() => _test.Look(record).State == CageState.Stopped);
        Assert.Equal(CageState.Stopped, _test.Look(record).State);
        // Its main thread is dead a moment before its last, which takes the others along.
        TestStore.Wait(() => !Lives(pid));
        Assert.False(Lives(pid));
        Assert.Equal(CageError.CageNotRunning, Assert.Throws<CageException>(() => _test.Run(web.Info, TestStore.Command("true"))).Error);
        using (RunningCage again = _test.Start(record)) Assert.Equal("small", _test.Sh(again.Info, "cat /etc/base"));
        _test.AssertNothingLeft(record);
    }

    /// <summary>The kernel takes a moment to end what was killed: a start that comes meanwhile waits for it.</summary>
    [CageFact]
    public void A_jail_that_is_dying_is_waited_for()
    {
        CageRecord record = NewCage(CageIsolation.Jail);
        for (int round = 0; round < 20; round++)
        {
            using RunningCage web = _test.Start(record);
            _test.Sh(web.Info, $"for i in 1 2 3 4 5 6 7 8; do setsid sleep 1000 {Quiet} & done");
            Processes.Kill(web.Info.ProcessId!.Value, Processes.SIGKILL);
            using RunningCage again = _test.Start(record);
            Assert.NotEqual(web.Info.ProcessId, again.Info.ProcessId);
            Processes.Kill(again.Info.ProcessId!.Value, Processes.SIGKILL);
            _test.Engine.Change(record, old => old with { Device = round % 2 == 0 ? DeviceView.Host : DeviceView.Private });
            _test.Stop(record);
        }
        _test.AssertNothingLeft(record);
    }

    /// <summary>
    /// What is left in a Pivot whose init was killed, and a Jail whose note was lost, still has its upper mounted: a second overlay on
    /// it would corrupt it, which the kernel allows. [spec 8.5]
    /// </summary>
    [CageTheory]
    [InlineData(CageIsolation.Pivot, false)]
    [InlineData(CageIsolation.Pivot, true)]
    [InlineData(CageIsolation.Jail, true)]
    public void An_upper_is_never_mounted_twice(CageIsolation isolation, bool loseNote)
    {
        CageRecord record = NewCage(isolation);
        using RunningCage web = _test.Start(record);
        _test.Sh(web.Info, $"setsid sleep 1000 {Quiet} &");
        int pid = Wait(web.Info, 1)[0];
        if (loseNote) File.Delete(InitHint.PathOf(_test.Settings, record.Id));
        else Processes.Kill(web.Info.ProcessId!.Value, Processes.SIGKILL);
        Thread.Sleep(50);
        Assert.True(Lives(pid));
        CageException e = Assert.Throws<CageException>(() => _test.Engine.Start(record));
        Assert.True(e.Error is CageError.CageAlreadyRunning or CageError.CageBusy, $"{e.Error}: {e.Message}");
        Assert.True(Lives(pid));
        Assert.Empty(_test.Stop(record));
        Assert.False(Lives(pid));
        _test.AssertNothingLeft(record);
        using RunningCage again = _test.Start(record);
    }
}
