using System.Diagnostics;
using Cage.Engine.Runtime;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>Limits by what they do: what needs more is killed, is not forked, waits. Which version of control groups the host has does not matter here.</summary>
public sealed class LimitTests(SmallRoot root) : IClassFixture<SmallRoot>, IDisposable
{
    private const string Hog = "x=; while :; do x=$x$(printf '%01000000d' 0); done";

    private readonly TestStore _test = new();

    public void Dispose() => _test.Dispose();

    private CageRecord NewCage(CageIsolation isolation, CageLimits limits) =>
        _test.Create(new NewCage { Name = "web", Base = [_test.NewBase(root.Path)], Isolation = isolation, Limits = limits }).Record;

    private int Status(CageInfo cage, string line) => _test.Run(cage, TestStore.Command("/bin/bash", "-c", line)).Status;

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void Memory_ends_what_needs_more_and_nothing_else(CageIsolation isolation)
    {
        CageRecord record = NewCage(isolation, new CageLimits { Memory = 24 << 20, Swap = 0 });
        using RunningCage web = _test.Start(record);
        Assert.Equal(137, Status(web.Info, Hog));
        Assert.Equal("still", _test.Sh(web.Info, "echo still"));
        Assert.Equal(CageState.Running, _test.Look(record).State);
        _test.Stop(record);
        _test.AssertNothingLeft(record);
    }

    /// <summary>What fills it has little memory of its own, less than the init has: that must be the last to go all the same.</summary>
    [SparingTheory]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void What_fills_a_tmpfs_ends_and_the_cage_goes_on(CageIsolation isolation)
    {
        CageRecord record = NewCage(isolation, new CageLimits { Memory = 24 << 20, Swap = 0 });
        using RunningCage web = _test.Start(record);
        Assert.Equal("-999\n", File.ReadAllText($"/proc/{web.Info.ProcessId}/oom_score_adj"));
        Assert.Equal("0", _test.Sh(web.Info, "cat /proc/self/oom_score_adj"));
        Assert.Equal(137, Status(web.Info, "exec cat /dev/zero >/dev/shm/hog"));
        Assert.Equal(CageState.Running, _test.Look(record).State);
        File.Delete($"{web.Info.RootPath}/dev/shm/hog");
        Assert.Equal("still", _test.Sh(web.Info, "echo still"));
        _test.Stop(record);
        _test.AssertNothingLeft(record);
    }

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void A_fork_bomb_stays_small_and_a_stop_ends_it(CageIsolation isolation)
    {
        CageRecord record = NewCage(isolation, new CageLimits { Processes = 20 });
        using RunningCage web = _test.Start(record);
        _test.Sh(web.Info, "setsid bash -c 'f() { f | f & }; while :; do f; done' </dev/null >/dev/null 2>&1 &");
        TestStore.Wait(() => _test.Engine.GetProcesses(web.Info).Count >= 18);
        for (int i = 0; i < 20; i++)
        {
            Assert.InRange(_test.Engine.GetProcesses(web.Info).Count, 0, 20);
            Thread.Sleep(5);
        }
        _test.Stop(record, new() { Force = true });
        _test.AssertNothingLeft(record);
    }

    [CageFact]
    public void Processor_time_is_shared_out()
    {
        CageRecord record = NewCage(CageIsolation.Jail, new CageLimits { Cpu = 0.1m, CpuWeight = 50 });
        using RunningCage web = _test.Start(record);
        Stopwatch watch = Stopwatch.StartNew();
        string times = _test.Sh(web.Info, "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; times >/tmp/times; read user system </tmp/times; echo $user");
        double used = double.Parse(times.Split('m')[1].TrimEnd('s'), System.Globalization.CultureInfo.InvariantCulture);
        Assert.True(used > 0.05, $"the loop took {used} s, too little to see anything");
        // A tenth of a processor: it takes ten times as long as it works. A busy machine only makes it longer.
        Assert.InRange(watch.Elapsed.TotalSeconds, used * 5, double.MaxValue);
    }

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void A_running_cage_gets_them_what_runs_in_it_included_and_loses_them_again(CageIsolation isolation)
    {
        CageRecord record = NewCage(isolation, CageLimits.None);
        using RunningCage web = _test.Start(record);
        _test.Sh(web.Info, "setsid sleep 1000 </dev/null >/dev/null 2>&1 & setsid bash -c 'while [ ! -e /tmp/go ]; do read -t 0.05 <>/dev/full; done; " + Hog + "' </dev/null >/dev/null 2>&1 &");
        TestStore.Wait(() => _test.Engine.GetProcesses(web.Info).Any(process => process.CommandLine.StartsWith("bash", StringComparison.Ordinal)));
        CageInfo changed = _test.Engine.Change(record, before => before with { Limits = new CageLimits { Memory = 24 << 20, Swap = 0, Processes = 10 } });
        Assert.Equal("memory 24M, swap 0, processes 10", changed.Limits.ToString());
        _test.Sh(web.Info, "echo >/tmp/go");
        TestStore.Wait(() => !Hogs());
        Assert.False(Hogs());
        Assert.Contains("fork: retry", _test.Run(web.Info, TestStore.Command("/bin/bash", "-c", "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1 & done; wait")).Error);
        _test.Engine.Change(changed.Record, before => before with { Limits = CageLimits.None });
        Assert.Equal("12", _test.Sh(_test.Look(record), "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 0 & n=$i; done; wait; echo $n"));
        _test.Stop(record);
        _test.AssertNothingLeft(record);
        bool Hogs() => _test.Engine.GetProcesses(web.Info).Any(process => process.CommandLine.Contains("go", StringComparison.Ordinal));
    }

    [CageFact]
    public void What_the_host_cannot_enforce_is_refused_and_changes_nothing()
    {
        bool weighed = Directory.GetDirectories("/sys/block").Any(disk => File.Exists($"{disk}/queue/scheduler") && File.ReadAllText($"{disk}/queue/scheduler").Contains("[bfq]", StringComparison.Ordinal)) ||
            (File.Exists("/sys/fs/cgroup/io.cost.qos") && File.ReadAllText("/sys/fs/cgroup/io.cost.qos").Contains("enable=1", StringComparison.Ordinal));
        CageRecord record = NewCage(CageIsolation.Jail, new CageLimits { Processes = 50, IoWeight = 200 });
        if (weighed)
        {
            using (_test.Start(record)) Assert.Equal(200, _test.Look(record).Limits.IoWeight);
            return;
        }
        CageException refused = Assert.Throws<CageException>(() => _test.Engine.Start(record));
        Assert.Equal(CageError.CageKernelUnsupported, refused.Error);
        Assert.Contains("ioweight=200", refused.Message);
        _test.AssertNothingLeft(record);
        record = _test.Engine.Change(record, before => before with { Limits = new CageLimits { Processes = 50 } }).Record;
        using RunningCage web = _test.Start(record);
        Assert.Equal(CageError.CageKernelUnsupported, Assert.Throws<CageException>(() => _test.Engine.Change(record, before => before with { Limits = new CageLimits { Processes = 9, IoWeight = 200 } })).Error);
        Assert.Equal("processes 50", _test.Look(record).Limits.ToString());
        Assert.Equal("20", _test.Sh(web.Info, "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 0.2 & n=$i; done; wait; echo $n"));
    }

    [CageFact]
    public void A_start_that_fails_leaves_no_group()
    {
        CageRecord record = NewCage(CageIsolation.Jail, new CageLimits { Memory = 64 << 20, Processes = 50 });
        File.WriteAllText($"{record.Path}/up", "exit 3\n");
        record = _test.SetKey(record, "start", "up");
        Assert.Equal(CageError.CageStartFailed, Assert.Throws<CageException>(() => _test.Engine.Start(record)).Error);
        _test.AssertNothingLeft(record);
    }

    [CageFact]
    public void The_plan_says_them_before_the_init_is_there()
    {
        CageRecord record = NewCage(CageIsolation.Jail, new CageLimits { Memory = 64 << 20, Cpu = 1.5m });
        string[] actions = [.. _test.Engine.PlanStart(record).Lines.Take(3).Select(line => line.Action)];
        Assert.Equal(["make the control group", "limit memory 64M, cpu 1.5"], actions[..2]);
        Assert.StartsWith("start the init", actions[2]);
        Assert.DoesNotContain(_test.Engine.PlanStart(_test.Engine.Change(record, before => before with { Limits = CageLimits.None }).Record).Lines, line => line.Action.StartsWith("limit", StringComparison.Ordinal));
    }

    [CageTheory]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void A_cage_that_is_not_kept_has_them_and_leaves_no_group(CageIsolation isolation)
    {
        _test.NewBase(root.Path);
        using (EphemeralCage run = _test.Engine.StartEphemeral(["base"], isolation, record => record with { Limits = new CageLimits { Memory = 24 << 20, Swap = 0, Processes = 10 } }))
        {
            _test.Ids.Add(run.Info.Id);
            Assert.Equal(137, Status(run.Info, Hog));
        }
        Assert.Empty(Leftovers.GroupsOf(_test.Ids.Last()));
    }

    [CageFact]
    public void The_groups_that_a_killed_command_leaves_go_with_the_next()
    {
        _test.NewBase(root.Path);
        File.WriteAllText($"{_test.Folder}/cage.conf", $"data={_test.Settings.Data}\nrun={_test.Settings.Run}\n");
        using (Process command = Shell.Start("exec \"$cage\" run --base base --processes 20 -- sh -c 'echo in; sleep 1000'", ("cage", CageProgram.RequiredPath), ("CAGE_CONF", $"{_test.Folder}/cage.conf")))
        {
            Assert.Equal("in", command.StandardOutput.ReadLine());
            command.Kill();
            command.WaitForExit();
        }
        for (int i = 0; i < 100 && (i == 0 || Left().Length > 0); i++)
        {
            using (EphemeralCage run = _test.Engine.StartEphemeral(["base"], CageIsolation.Jail, record => record with { Limits = new CageLimits { Processes = 20 } })) _test.Ids.Add(run.Info.Id);
            Thread.Sleep(10);
        }
        Assert.Empty(Left());
    }

    private static string[] Left() =>
    [
        .. from controller in (string[])["pids", "memory"]
           let parent = $"/sys/fs/cgroup/{controller}/cage"
           where Directory.Exists(parent)
           from path in Directory.GetDirectories(parent)
           where EphemeralId.Is(Guid.Parse(Path.GetFileName(path))) && IsFree(path)
           select path,
    ];

    private static bool IsFree(string path)
    {
        using Descriptor? group = Files.TryOpen(path, Files.O_RDONLY | Files.O_DIRECTORY);
        return group is not null && Files.Lock(group, wait: false);
    }
}

/// <summary>A theory that needs a root who can have the kernel's killer spare a process, which a container's cannot.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SparingTheoryAttribute : TheoryAttribute
{
    public SparingTheoryAttribute() => Skip = CageNeeds.Missing ?? (Capabilities.Has(Capability.CAP_SYS_RESOURCE) ? null : "needs CAP_SYS_RESOURCE");
}
