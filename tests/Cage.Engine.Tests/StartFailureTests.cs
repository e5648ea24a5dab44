using System.Diagnostics;
using Cage.Engine.Plans;
using Cage.Engine.Runtime;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>A start is all or nothing: whatever fails, and whenever, the host is as it was.</summary>
public sealed class StartFailureTests(SmallRoot root) : SmallRootTests(root)
{
    private CageException Refused(CageRecord record)
    {
        CageException e = Assert.Throws<CageException>(() => _test.Engine.Start(record));
        Assert.Empty(_test.Mounted());
        Assert.Null(Leftovers.GroupOf(record.Id));
        Assert.False(File.Exists(InitHint.PathOf(_test.Settings, record.Id)));
        return e;
    }

    /// <summary>Fails at what it is to do, on either side and at any time.</summary>
    private static BindRoot FailingStep(StepSide side) => new("/nonexistent", "/nonexistent") { Side = side };

    /// <summary>As a planner does: the init is told what is around the root before that comes.</summary>
    private static IEnumerable<Step> Announced(HostContext host, Step[] steps, IReadOnlyList<Step> plan)
    {
        int first = Array.FindIndex(steps, step => step.Side == StepSide.Inside);
        int root = Array.IndexOf(steps, plan.FirstOrDefault(step => step is MountOverlay { Side: StepSide.Inside }));
        for (int i = 0; i < steps.Length; i++)
        {
            if (i == first) host.Announce(new StepsAroundRoot([.. steps[first..root].Cast<PortableStep>()], [.. steps.Skip(root + 1).TakeWhile(step => step.Side == StepSide.Inside).Cast<PortableStep>()]));
            yield return steps[i];
        }
    }

    /// <summary>Lets a plan fail after each of its steps in turn.</summary>
    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void Whichever_step_fails_nothing_is_left(CageIsolation isolation)
    {
        CageRecord record = _test.SetKey(NewCage(isolation), "start", "up");
        File.WriteAllText($"{record.Path}/up", "setsid sleep 1000 <>/dev/null >&0 2>&0 &\n");
        IReadOnlyList<Step> plan = _test.Engine.PlanStart(record).Steps;
        for (int at = 0; at <= plan.Count; at++)
        {
            StepSide side = at < plan.Count ? plan[at].Side : StepSide.Host;
            using HostContext host = new(_test.Settings, record, _test.Stage);
            using StepContext context = new() { Host = host };
            StepException e = Assert.Throws<StepException>(() => Executor.Run(Announced(host, [.. plan.Take(at), FailingStep(side), .. plan.Skip(at)], plan), context));
            Assert.Equal((Errno.ENOENT, at), (e.Cause.Number, e.Index));
            Assert.IsType<BindRoot>(e.Step);
            _test.AssertNothingLeft(record);
        }
        using RunningCage web = _test.Start(record);
    }

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Jail)]
    public void It_can_be_cancelled_between_any_two_steps(CageIsolation isolation)
    {
        CageRecord record = NewCage(isolation);
        IReadOnlyList<Step> plan = _test.Engine.PlanStart(record).Steps;
        int count = plan.Count(step => step.Side == StepSide.Host);
        for (int at = 0; at < count; at++)
        {
            using CancellationTokenSource source = new();
            using HostContext host = new(_test.Settings, record, _test.Stage);
            using StepContext context = new() { Host = host, Cancellation = source.Token };
            Assert.Throws<OperationCanceledException>(() => Executor.Run(Announced(host, [.. plan.Take(at), new CancelStep(source), .. plan.Skip(at)], plan), context));
            _test.AssertNothingLeft(record);
        }
        using CancellationTokenSource before = new();
        before.Cancel();
        Assert.Throws<OperationCanceledException>(() => _test.Engine.Start(record, cancellation: before.Token));
        _test.AssertNothingLeft(record);
    }

    private sealed record CancelStep(CancellationTokenSource Source) : Step
    {
        public override string Action => "cancel";

        internal override void Do(StepContext context) => Source.Cancel();
    }

    [CageFact]
    public void Steps_are_undone_backwards_and_a_failing_undo_stops_none()
    {
        List<string> log = [];
        using StepContext context = new();
        Step[] steps = [new LogStep("a", log), new LogStep("b", log, UndoFails: true), new LogStep("c", log), new LogStep("d", log, Fails: true), new LogStep("e", log)];
        StepException e = Assert.Throws<StepException>(() => Executor.Run(steps, context));
        Assert.Equal(["do a", "do b", "do c", "do d", "undo d", "undo c", "undo b", "undo a"], log);
        CageException told = e.Explain("web", "started");
        Assert.Equal("\"web\" was not started: step d failed: test d: EIO (Input/output error).", told.Message);
        Assert.Equal((CageError.CageStartFailed, "web"), (told.Error, told.TargetName));
        Assert.Contains("Free space", new StepException(steps[3], new LinuxException(Errno.ENOSPC, "write"), 3).Explain("web", "started").Message);
        Assert.Equal(CageError.CageKernelUnsupported, new StepException(steps[3], new LinuxException(Errno.ENOSYS, "fsopen"), 3).Explain("web", "started").Error);
    }

    private sealed record LogStep(string Name, List<string> Log, bool Fails = false, bool UndoFails = false) : Step
    {
        public override string Action => $"step {Name}";

        internal override void Do(StepContext context)
        {
            Log.Add($"do {Name}");
            if (Fails) throw new LinuxException(Errno.EIO, "test", Name);
        }

        internal override void Undo(StepContext context)
        {
            Log.Add($"undo {Name}");
            if (UndoFails) throw new LinuxException(Errno.EIO, "test", Name);
        }
    }

    /// <summary>What is in the cage's files can let each step inside fail: the last of them too, when all is mounted.</summary>
    [CageTheory]
    [InlineData(CageIsolation.Chroot, "proc", "make the folder if it is missing /proc", "EEXIST")]
    [InlineData(CageIsolation.Jail, "proc", "make the folder if it is missing /proc", "EEXIST")]
    [InlineData(CageIsolation.Chroot, "tmp", "make the folder if it is missing /tmp", "EEXIST")]
    [InlineData(CageIsolation.Pivot, "run", "make the folder if it is missing /run", "EEXIST")]
    [InlineData(CageIsolation.Jail, "run", "make the folder if it is missing /run", "EEXIST")]
    [InlineData(CageIsolation.Jail, "etc/resolv.conf", "bind ", "EINVAL")]
    public void Files_where_folders_have_to_be_are_told(CageIsolation isolation, string place, string step, string errno)
    {
        CageRecord record = NewCage(isolation);
        if (place == "etc/resolv.conf")
        {
            // The other way around: a folder where the file has to be.
            if (!File.Exists("/etc/resolv.conf")) return;
            CageRecord layer = _test.NewLayer("layer", record.Base[0]);
            Directory.CreateDirectory($"{layer.RootPath}/{place}");
            record = _test.Create(new NewCage { Name = "web", Base = [layer.Id], Isolation = isolation }).Record;
        }
        else
        {
            Shell.Run("rm -rf \"$place\"; echo >\"$place\"", ("place", $"{record.RootPath}/{place}"));
        }
        CageException e = Refused(record);
        Assert.Contains("\"web\" was not started", e.Message);
        Assert.Contains(step, e.Message);
        Assert.True(e.Message.Contains(errno, StringComparison.Ordinal), e.Message);
        _test.AssertNothingLeft(record);
    }

    [CageFact]
    public void A_stage_program_that_is_missing_or_none_is_told()
    {
        CageRecord record = NewCage(CageIsolation.Jail);
        foreach (var (path, what) in new[] { ("/nonexistent/cage", "ENOENT"), ("/etc/hosts", "ENOEXEC"), ("/bin/true", "before it was ready, with status 0"), ("/bin/false", "with status 1") })
        {
            using StageBinary stage = new(path);
            CageException e = Assert.Throws<CageException>(() => new CageEngine(_test.Settings, stage).Start(record));
            Assert.True(e.Error is CageError.CageStartFailed or CageError.CageMountFailed, e.Message);
            Assert.Contains(what, e.Message);
            _test.AssertNothingLeft(record);
        }
    }

    /// <summary>By a note of his own, anybody who can write there would have a command enter his own process, as root.</summary>
    [RootTheory]
    [InlineData("mkdir -m 777 \"$run\"")]
    [InlineData("mkdir -m 775 \"$run\"")]
    [InlineData("mkdir \"$run\"; chown 65534 \"$run\"")]
    [InlineData("mkdir \"$run.other\"; ln -s \"$run.other\" \"$run\"")]
    [InlineData("echo >\"$run\"")]
    public void The_folder_of_notes_is_roots_alone(string make)
    {
        CageRecord record = NewCage(CageIsolation.Jail);
        Shell.Run($"rm -rf \"$run\"; {make}", ("run", _test.Settings.Run));
        CageException e = Assert.Throws<CageException>(() => _test.Engine.Start(record));
        Assert.Contains("EPERM", e.Message);
        Assert.Equal(CageError.CageStoreFailed, e.Error);
        Assert.Contains("EPERM", Assert.Throws<CageException>(() => _test.Engine.StartEphemeral([], CageIsolation.Jail)).Message);
        Shell.Run("rm -rf \"$run\" \"$run.other\"", ("run", _test.Settings.Run));
        _test.AssertNothingLeft(record);
        using RunningCage web = _test.Start(record);
        string note = InitHint.PathOf(_test.Settings, record.Id);
        Assert.Equal("755 644", Shell.Run("echo $(stat -c %a \"$run\" \"$note\")", ("run", _test.Settings.Run), ("note", note)).Trim());
        Shell.Run("chown 65534 \"$note\"", ("note", note));
        Assert.Equal(CageState.Stopped, _test.Engine.Look(record).State);
        Shell.Run("chown 0 \"$note\"", ("note", note));
        Assert.Equal(CageState.Running, _test.Engine.Look(record).State);
    }

    /// <summary>Whoever is to wait for it, and whether that has been done.</summary>
    [RootTheory]
    [InlineData("kill -KILL $$", true, "killed by SIGKILL")]
    [InlineData("kill -KILL $$", false, "killed by SIGKILL")]
    [InlineData("kill -SEGV $$", true, "by signal 11")]
    [InlineData("exit 3", false, "with status 3")]
    public void How_an_init_ended_is_told(string script, bool orphan, string words)
    {
        using Descriptor nothing = Files.Open("/dev/null", Files.O_RDWR);
        using SpawnedProcess process = Spawn.Start(new SpawnRequest
        {
            Candidates = ["/bin/sh"], Arguments = ["sh", "-c", script], Environment = [], Descriptors = [nothing, nothing, nothing], Orphan = orphan,
        });
        Assert.StartsWith(words, InitEnd.Describe(process.Id, process.Handle));
        if (!orphan) Processes.Wait(process.Id);
    }

    /// <summary>What a mount point is, and whether it can be.</summary>
    [RootTheory]
    [InlineData("rmdir mnt", "ENOENT")]
    [InlineData("rmdir mnt; ln -s root mnt", "ELOOP")]
    [InlineData("rmdir mnt; ln -s /tmp mnt", "ELOOP")]
    [InlineData("rmdir mnt; ln -s nowhere mnt", "ELOOP")]
    [InlineData("rmdir mnt; echo >mnt", "ENOTDIR")]
    [InlineData("echo >mnt/file", "ENOTEMPTY")]
    [InlineData("mkdir mnt/.hidden", "ENOTEMPTY")]
    [InlineData("rmdir root/*; rmdir root", "ENOENT")]
    [InlineData("rmdir work", "ENOENT")]
    [InlineData("rmdir work; echo >work", "ENOENT")]
    public void A_cage_that_is_not_as_it_has_to_be_is_refused_with_what_to_do(string change, string errno)
    {
        foreach (CageIsolation isolation in new[] { CageIsolation.Chroot, CageIsolation.Jail })
        {
            CageRecord record = NewCage(isolation);
            Shell.Run($"cd \"$cage\"; {change}", ("cage", record.Path));
            CageException e = Refused(record);
            Assert.Equal(CageError.CageStartFailed, e.Error);
            Assert.Contains(errno, e.Message);
            Assert.NotNull(e.Advice);
        }
    }

    [RootFact]
    public void A_mount_point_where_something_is_mounted_already_runs_and_is_cleared_by_a_stop()
    {
        CageRecord record = NewCage();
        Shell.Run("mount -t tmpfs x \"$mnt\"", ("mnt", record.MountPath));
        Assert.Equal(CageError.CageAlreadyRunning, Assert.Throws<CageException>(() => _test.Engine.Start(record)).Error);
        Assert.Equal(CageError.CageAlreadyRunning, Assert.Throws<CageException>(() => _test.Engine.Remove(record)).Error);
        Assert.Empty(_test.Stop(record));
        _test.AssertNothingLeft(record);
        using RunningCage web = _test.Start(record);
    }

    [RootFact]
    public void Work_on_another_file_system_or_mount_is_refused() => MountNamespace.Run(folder =>
    {
        using TestStore test = new(Directory.CreateDirectory($"{folder}/s").FullName);
        CageRecord record = test.NewCage(Root, CageIsolation.Chroot);
        foreach (string mount in new[] { "mount -t tmpfs x \"$work\"", "mount --bind \"$work\" \"$work\"" })
        {
            Shell.Run(mount, ("work", record.WorkPath));
            CageException e = Assert.Throws<CageException>(() => test.Engine.Start(record));
            Assert.Equal(CageError.CageStartFailed, e.Error);
            Assert.Contains("EXDEV", e.Message);
            Assert.Contains(record.WorkPath, e.Message);
            Shell.Run("umount \"$work\"", ("work", record.WorkPath));
            test.AssertNothingLeft(record);
        }
    });

    [RootFact]
    public void An_upper_on_overlayfs_is_refused_and_a_bind_of_one_is_not() => MountNamespace.Run(folder =>
    {
        Shell.Run("cd \"$folder\"; mkdir l u w m; mount -t overlay overlay -o lowerdir=l,upperdir=u,workdir=w m; mkdir m/s", ("folder", folder));
        using TestStore test = new($"{folder}/m/s");
        CageRecord record = test.NewCage(Root, CageIsolation.Chroot);
        CageException e = Assert.Throws<CageException>(() => test.Engine.Start(record));
        Assert.Equal(CageError.CageStartFailed, e.Error);
        Assert.Contains("overlayfs", e.Message);
        Assert.Contains("EINVAL", e.Message);
        Assert.Contains("data=", e.Message);
        test.AssertNothingLeft(record);

        CageRecord alone = test.Create(new NewCage { Name = "alone", Isolation = CageIsolation.Chroot }).Record;
        Shell.Run("cp -a \"$from/.\" \"$to\"", ("from", Root.Path), ("to", alone.RootPath));
        using RunningCage cage = test.Start(alone);
        Assert.Equal("small", test.Sh(cage.Info, "cat /etc/base"));
    });

    /// <summary>overlayfs mounts all the same, to be read only: a start that seemed to go well could not write a byte.</summary>
    [RootFact]
    public void An_upper_without_room_for_the_work_folder_is_refused() => MountNamespace.Run(folder =>
    {
        Shell.Run("cd \"$folder\"; mkdir small; mount -t tmpfs -o nr_inodes=100 small small; mkdir small/s", ("folder", folder));
        using TestStore test = new($"{folder}/small/s");
        CageRecord record = test.NewCage(Root, CageIsolation.Chroot);
        Shell.Run("cd \"$folder/small\"; for i in {1..100}; do touch fill$i || break; done 2>/dev/null", ("folder", folder));
        CageException e = Assert.Throws<CageException>(() => test.Engine.Start(record));
        Assert.Equal(CageError.CageMountFailed, e.Error);
        Assert.Contains("ENOSPC", e.Message);
        Assert.Contains("Free space", e.Advice);
        test.AssertNothingLeft(record);
        Shell.Run("rm \"$folder\"/small/fill*", ("folder", folder));
        using RunningCage web = test.Start(record);
        Assert.Equal("written", test.Sh(web.Info, "echo written >/etc/new; cat /etc/new"));
    });

    [RootFact]
    public void An_upper_that_is_mounted_read_only_is_refused_beforehand() => MountNamespace.Run(folder =>
    {
        using TestStore test = new(Directory.CreateDirectory($"{folder}/s").FullName);
        CageRecord record = test.NewCage(Root, CageIsolation.Chroot);
        Shell.Run("mount -o remount,ro \"$folder\"", ("folder", folder));
        CageException e = Assert.Throws<CageException>(() => test.Engine.Start(record));
        Assert.Equal(CageError.CageStartFailed, e.Error);
        Assert.Contains("EROFS", e.Message);
        Assert.Contains("remount,rw", e.Advice);
        test.AssertNothingLeft(record);
        Shell.Run("mount -o remount,rw \"$folder\"", ("folder", folder));
        using RunningCage web = test.Start(record);
    });

    [RootFact]
    public void A_read_only_one_is_not_started()
    {
        CageException e = Refused(_test.NewLayer("layer"));
        Assert.Contains("read-only", e.Message);
        Assert.Contains("--base", e.Message);
    }

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void One_that_runs_is_not_started_again(CageIsolation isolation)
    {
        CageRecord record = NewCage(isolation);
        using RunningCage web = _test.Start(record);
        string[] before = [.. _test.Mounted()];
        CageException e = Assert.Throws<CageException>(() => _test.Engine.Start(record));
        Assert.Equal(CageError.CageAlreadyRunning, e.Error);
        Assert.Contains("\"web\"", e.Message);
        Assert.Equal(before, _test.Mounted());
        Assert.Equal("small", _test.Sh(web.Info, "cat /etc/base"));
        Assert.Equal(CageError.CageAlreadyRunning, Assert.Throws<CageException>(() => _test.Engine.Change(record, old => old with { Base = [] })).Error);
        Assert.Equal(CageError.CageAlreadyRunning, Assert.Throws<CageException>(() => _test.Engine.Change(record, old => old with { Device = DeviceView.Host })).Error);
        Assert.Equal("other", _test.Engine.Change(record, old => old with { Name = "other" }).Name);
    }

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Jail)]
    public void Of_many_starts_at_once_one_wins(CageIsolation isolation)
    {
        CageRecord record = NewCage(isolation);
        for (int round = 0; round < 3; round++)
        {
            int won = 0;
            List<Exception> lost = [];
            using Barrier barrier = new(5);
            Thread[] threads = [.. Enumerable.Range(0, 5).Select(_ => new Thread(() =>
            {
                // Each with an engine of its own, as separate commands have.
                using StageBinary stage = new(CageProgram.RequiredPath);
                barrier.SignalAndWait();
                try
                {
                    new CageEngine(_test.Settings, stage).Start(record);
                    Interlocked.Increment(ref won);
                }
                catch (Exception e)
                {
                    lock (lost) lost.Add(e);
                }
            }))];
            foreach (Thread thread in threads) thread.Start();
            foreach (Thread thread in threads) thread.Join();
            Assert.Equal(1, won);
            Assert.All(lost, e => Assert.Equal(CageError.CageAlreadyRunning, Assert.IsType<CageException>(e).Error));
            Assert.Equal(CageState.Running, _test.Look(record).State);
            Assert.Empty(_test.Stop(record));
            _test.AssertNothingLeft(record);
        }
    }

    [CageFact]
    public void Of_two_commands_at_once_one_wins()
    {
        CageRecord record = NewCage(CageIsolation.Jail);
        File.WriteAllText($"{_test.Folder}/cage.conf", $"data={_test.Settings.Data}\nrun={_test.Settings.Run}\n");
        Process[] commands = [.. Enumerable.Range(0, 3).Select(_ => Shell.Start("exec \"$cage\" start web", ("cage", CageProgram.RequiredPath), ("CAGE_CONF", $"{_test.Folder}/cage.conf")))];
        try
        {
            foreach (Process command in commands) Assert.True(command.WaitForExit(20_000));
            Assert.Equal([0, 1, 1], commands.Select(command => command.ExitCode).Order());
            Assert.All(commands.Where(command => command.ExitCode != 0), command => Assert.Contains("runs already", command.StandardError.ReadToEnd()));
            Assert.Equal("small", _test.Sh(_test.Look(record), "cat /etc/base"));
        }
        finally
        {
            foreach (Process command in commands) command.Dispose();
            _test.Stop(record);
        }
        _test.AssertNothingLeft(record);
    }

    /// <summary>A start that is killed anywhere leaves what one stop clears, or nothing.</summary>
    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void A_command_that_is_killed_while_it_starts_leaves_what_a_stop_clears(CageIsolation isolation)
    {
        CageRecord record = NewCage(isolation);
        File.WriteAllText($"{_test.Folder}/cage.conf", $"data={_test.Settings.Data}\nrun={_test.Settings.Run}\n");
        Random random = new(9);
        for (int i = 0; i < 12; i++)
        {
            using Process command = Shell.Start("exec \"$cage\" start web", ("cage", CageProgram.RequiredPath), ("CAGE_CONF", $"{_test.Folder}/cage.conf"));
            Thread.Sleep(random.Next(12));
            command.Kill();
            command.WaitForExit();
            _test.Stop(record);
            _test.AssertNothingLeft(record);
        }
        using RunningCage web = _test.Start(record);
        Assert.Equal("small", _test.Sh(web.Info, "cat /etc/base"));
    }

    [CageFact]
    public void A_folder_where_the_note_is_kept_is_told_with_what_to_do()
    {
        CageRecord record = NewCage(CageIsolation.Jail);
        string note = InitHint.PathOf(_test.Settings, record.Id);
        Directory.CreateDirectory(note);
        Assert.Equal(CageState.Stopped, Assert.Single(_test.Engine.List(), cage => cage.Id == record.Id).State);
        foreach (Action act in new Action[] { () => _test.Engine.Start(record), () => _test.Engine.Stop(record) })
        {
            CageException e = Assert.Throws<CageException>(act);
            Assert.Equal(CageError.CageStartFailed, e.Error);
            Assert.Contains(note, e.Message);
            Assert.Contains("EISDIR", e.Message);
            Assert.Contains("rmdir", e.Advice);
        }
        Directory.Delete(note);
        _test.AssertNothingLeft(record);
        using RunningCage web = _test.Start(record);
    }

    [CageFact]
    public void A_note_is_believed_only_of_the_very_process()
    {
        CageRecord record = NewCage(CageIsolation.Jail);
        string note = InitHint.PathOf(_test.Settings, record.Id);
        Directory.CreateDirectory(_test.Settings.Run);
        ulong own = ProcessStat.Read(Environment.ProcessId)!.Value.StartTime;
        string[] lies =
        [
            $"{Environment.ProcessId} {own + 1}\n", $"{Environment.ProcessId} 0\n", $"1 {own}\n", $"{int.MaxValue} 1\n", "0 0\n", "-1 1\n", "", "x y\n", $"{Environment.ProcessId}\n", "\0\0\0\0 1", new('9', 5000),
        ];
        foreach (string lie in lies)
        {
            File.WriteAllText(note, lie);
            Assert.Equal((CageState.Stopped, null, lie), (_test.Look(record).State, _test.Look(record).ProcessId, lie));
        }
        // Started over a lie, and a stop with nothing but a lie takes that away.
        using (_test.Start(record)) Assert.Equal(CageState.Running, _test.Look(record).State);
        File.WriteAllText(note, lies[0]);
        Assert.Empty(_test.Stop(record));
        _test.AssertNothingLeft(record);

        // A zombie's number and time are true, and it runs no more.
        using Process zombie = Shell.Start("read x < <(sleep 0.01 & echo $!); echo $x; exec sleep 1000");
        File.WriteAllText(note, $"{zombie.Id} {ProcessStat.Read(zombie.Id)!.Value.StartTime}\n");
        zombie.Kill();
        zombie.WaitForExit();
        Assert.Equal(CageState.Stopped, _test.Look(record).State);
        File.Delete(note);
    }
}
