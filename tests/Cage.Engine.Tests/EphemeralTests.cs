using Cage.Engine.Runtime;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>Cages that are not kept: they leave nothing, however they end.</summary>
public sealed class EphemeralTests(SmallRoot root) : SmallRootTests(root)
{
    private void AssertGone(CageInfo cage)
    {
        Assert.Null(Leftovers.GroupOf(cage.Id));
        Assert.True(ProcessStat.Read(cage.ProcessId!.Value) is null or { IsDead: true });
        Assert.Empty(Directory.GetFileSystemEntries(_test.Settings.Run));
        Assert.Empty(_test.Mounted());
    }

    [CageTheory]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void What_is_written_goes_with_it(CageIsolation isolation)
    {
        Guid id = _test.NewBase(Root.Path);
        string[] before = Directory.GetFileSystemEntries(_test.Settings.Data, "*", SearchOption.AllDirectories);
        CageInfo cage;
        using (EphemeralCage run = _test.Engine.StartEphemeral(["base"], isolation))
        {
            cage = run.Info;
            _test.Ids.Add(cage.Id);
            Assert.Equal((CageState.Running, isolation), (cage.State, cage.Isolation));
            Assert.Equal("small", _test.Sh(cage, "echo x >/etc/new; echo y >/etc/base.new; rm /etc/passwd; cat /etc/base"));
            Assert.Equal(File.Exists("/etc/resolv.conf") ? 9 : 8, _test.Engine.GetMounts(cage).Count(mount => !mount.Target.StartsWith("/proc/", StringComparison.Ordinal) && !mount.Target.StartsWith("/sys/", StringComparison.Ordinal)));
            Assert.Equal("overlay", _test.Engine.GetMounts(cage)[0].Type);
            Assert.Empty(_test.Mounted());
            Assert.DoesNotContain(_test.Engine.List(), other => other.Id == cage.Id);
            _test.Sh(cage, "setsid bash -c 'trap \"\" TERM; read x <>/dev/full' <>/dev/null >&0 2>&0 &");
            Assert.True(_test.Engine.GetProcesses(cage).Count >= 2);
        }
        AssertGone(cage);
        Assert.Equal(before, Directory.GetFileSystemEntries(_test.Settings.Data, "*", SearchOption.AllDirectories));
        Assert.False(File.Exists($"{Root.Path}/etc/new"));
        Assert.True(File.Exists($"{Root.Path}/etc/passwd"));
        Assert.Equal(CageError.CageNotRunning, Assert.Throws<CageException>(() => _test.Run(cage, TestStore.Command("true"))).Error);
        using (EphemeralCage run = _test.Engine.StartEphemeral([id.ToString()], isolation))
        {
            Assert.Equal("no", _test.Sh(run.Info, "[ -e /etc/new ] || echo no"));
            _test.Ids.Add(run.Info.Id);
        }
    }

    /// <summary>The upper is a tmpfs of the cage's own, so that it may lie over what an overlay could not be written on.</summary>
    [CageFact]
    public void Its_upper_is_a_tmpfs()
    {
        _test.NewBase(Root.Path);
        using EphemeralCage run = _test.Engine.StartEphemeral(["base"], CageIsolation.Jail);
        _test.Ids.Add(run.Info.Id);
        string options = _test.Engine.GetMounts(run.Info)[0].Options;
        Assert.Contains($"upperdir={_test.Settings.Run}/upper", options);
        Assert.False(Directory.Exists($"{_test.Settings.Run}/upper"));
    }

    [CageTheory]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void One_whose_init_is_killed_says_so(CageIsolation isolation)
    {
        _test.NewBase(Root.Path);
        using EphemeralCage run = _test.Engine.StartEphemeral(["base"], isolation);
        _test.Ids.Add(run.Info.Id);
        Processes.Kill(run.Info.ProcessId!.Value, Processes.SIGKILL);
        using (Descriptor init = run.Info.OpenInit()!) Assert.True(ProcessWait.For(init, TimeSpan.FromSeconds(20), default));
        CageException failure = Assert.Throws<CageException>(() => _test.Run(run.Info, TestStore.Command("true")));
        Assert.Equal(CageError.CageNotRunning, failure.Error);
        Assert.StartsWith("\"run\" is over: its init has ended, killed by SIGKILL: ", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Start it", failure.Message, StringComparison.Ordinal);
    }

    [CageFact]
    public void It_ends_with_the_thread_that_started_it()
    {
        _test.NewBase(Root.Path);
        CageInfo? cage = null;
        EphemeralCage? run = null;
        Thread owner = new(() =>
        {
            run = _test.Engine.StartEphemeral(["base"], CageIsolation.Jail);
            cage = run.Info;
        });
        owner.Start();
        owner.Join();
        _test.Ids.Add(cage!.Id);
        TestStore.Wait(() => ProcessStat.Read(cage.ProcessId!.Value) is null or { IsDead: true });
        Assert.True(ProcessStat.Read(cage.ProcessId!.Value) is null or { IsDead: true });
        run!.Dispose();
        AssertGone(cage);
    }

    /// <summary>The init of a Jail waits for those that we have started in it until we have waited for them, which nobody may be about to do.</summary>
    [CageTheory]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void It_ends_though_a_command_in_it_was_not_waited_for(CageIsolation isolation)
    {
        _test.NewBase(Root.Path);
        EphemeralCage run = _test.Engine.StartEphemeral(["base"], isolation);
        _test.Ids.Add(run.Info.Id);
        using Descriptor nothing = Files.Open("/dev/null", Files.O_RDWR);
        using SpawnedProcess command = _test.Engine.Run(run.Info, TestStore.Command("sleep", "1000") with { Descriptors = [nothing, nothing, nothing] });
        Thread end = new(run.Dispose);
        end.Start();
        bool ended = end.Join(TimeSpan.FromSeconds(10));
        Assert.Equal(128 + Processes.SIGKILL, Processes.Wait(command.Id).ExitStatus);
        end.Join();
        Assert.True(ended, "it waited for the command to be waited for");
        TestStore.Wait(() => ProcessStat.Read(run.Info.ProcessId!.Value) is null or { IsDead: true });
        AssertGone(run.Info);
    }

    [CageTheory]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void The_layers_below_it_cannot_be_removed_meanwhile(CageIsolation isolation)
    {
        CageRecord lower = _test.NewLayer("lower"), upper = _test.NewLayer("upper", lower.Id);
        Shell.Run("cp -a \"$from/.\" \"$to\"", ("from", Root.Path), ("to", lower.RootPath));
        using (EphemeralCage run = _test.Engine.StartEphemeral(["upper"], isolation), beside = _test.Engine.StartEphemeral(["upper"], isolation))
        {
            _test.Ids.UnionWith([run.Info.Id, beside.Info.Id]);
            CageException e = Assert.Throws<CageException>(() => _test.Engine.Remove(upper, force: true));
            Assert.Equal(CageError.CageBusy, e.Error);
            Assert.Contains("cage run", e.Message);
            Assert.True(Directory.Exists(upper.RootPath));
            Assert.Equal("small", _test.Sh(run.Info, "cat /etc/base"));
            // What else is done to it does not wait for them.
            Assert.Equal("later", _test.Engine.Change(upper, old => old with { Memo = "later" }).Memo);
        }
        _test.Engine.Remove(upper);
        _test.Engine.Remove(lower);
    }

    /// <summary>A command that is killed cannot clean up: its cage ends with it, and its empty group goes with the next.</summary>
    [RootTheory]
    [InlineData("")]
    [InlineData("--userns")]
    [InlineData("--isolation pivot")]
    public void What_a_killed_command_leaves_is_an_empty_group_that_the_next_takes_away(string options)
    {
        _test.NewBase(Root.Path);
        File.WriteAllText($"{_test.Folder}/cage.conf", $"data={_test.Settings.Data}\nrun={_test.Settings.Run}\n");
        using (System.Diagnostics.Process command = Shell.Start("exec \"$cage\" run --base base $options -- sh -c 'echo in; sleep 1000'", ("options", options), ("cage", CageProgram.RequiredPath), ("CAGE_CONF", $"{_test.Folder}/cage.conf")))
        {
            Assert.Equal("in", command.StandardOutput.ReadLine());
            command.Kill();
            command.WaitForExit();
        }
        string? parent = ControlGroup.Of(Guid.NewGuid()) is ControlGroup group ? Path.GetDirectoryName(group.Path) : null;
        if (parent is null) return;
        string[] Left() => !Directory.Exists(parent) ? [] : [.. Directory.GetDirectories(parent).Where(path => EphemeralId.Is(Guid.Parse(Path.GetFileName(path))) && !Held(path))];
        Assert.Empty(Leftovers.ProcessesBeneath(_test.Folder));
        for (int i = 0; i < 100 && (i == 0 || Left().Length > 0); i++)
        {
            using (EphemeralCage run = _test.Engine.StartEphemeral(["base"], CageIsolation.Jail)) _test.Ids.Add(run.Info.Id);
            ControlGroup.Sweep();
            Thread.Sleep(10);
        }
        Assert.Empty(Left());
        Assert.Empty(Directory.GetFileSystemEntries(_test.Settings.Run));
    }

    /// <summary>That of a command at work, here or of another's tests, whose lock is taken.</summary>
    private static bool Held(string path)
    {
        using Descriptor? folder = Files.TryOpen(path, Files.O_RDONLY | Files.O_DIRECTORY);
        return folder is null || !Files.Lock(folder, wait: false);
    }

    [CageFact]
    public void What_cannot_be_is_refused_and_leaves_nothing()
    {
        _test.Create(new NewCage { Name = "web" });
        _test.NewBase(Root.Path);
        (string[] Bases, CageIsolation Isolation, CageError Error, string What)[] cases =
        [
            (["base"], CageIsolation.Chroot, CageError.CageArgumentInvalid, "chroot"),
            (["none"], CageIsolation.Jail, CageError.CageNotFound, "none"),
            (["web"], CageIsolation.Jail, CageError.CageConfInvalid, "writable"),
            ([], CageIsolation.Pivot, CageError.CageNotFound, "--base"),
        ];
        foreach (var (bases, isolation, error, what) in cases)
        {
            CageException e = Assert.Throws<CageException>(() => _test.Engine.StartEphemeral(bases, isolation));
            Assert.Equal(error, e.Error);
            Assert.Contains(what, e.Message);
            if (Directory.Exists(_test.Settings.Run)) Assert.Empty(Directory.GetFileSystemEntries(_test.Settings.Run));
        }
    }

    /// <summary>Without a name, it is the host's snapshot that it runs over: the nil UUID. [004]</summary>
    [CageFact]
    public void By_default_it_is_over_the_host()
    {
        _test.Create(new NewCage { Name = "host", Id = CageRecord.Nil, Kind = CageKind.ReadOnly, Source = Root.Path });
        using EphemeralCage run = _test.Engine.StartEphemeral([], CageIsolation.Jail);
        _test.Ids.Add(run.Info.Id);
        Assert.Equal("small", _test.Sh(run.Info, "cat /etc/base"));
        Assert.Equal("run", _test.Sh(run.Info, "hostname"));
    }

    [CageFact]
    public void Several_at_once_do_not_disturb_each_other()
    {
        _test.NewBase(Root.Path);
        List<string> wrong = [];
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(number => new Thread(() =>
        {
            for (int i = 0; i < 5; i++)
            {
                try
                {
                    using EphemeralCage run = _test.Engine.StartEphemeral(["base"], (number % 2) == 0 ? CageIsolation.Jail : CageIsolation.Pivot);
                    lock (wrong) _test.Ids.Add(run.Info.Id);
                    if (_test.Sh(run.Info, $"echo {number} >/etc/mine; cat /etc/mine") != $"{number}") throw new InvalidOperationException("mixed up");
                }
                catch (Exception e)
                {
                    lock (wrong) wrong.Add(e.ToString());
                }
            }
        }))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        Assert.Empty(wrong);
        Assert.Empty(Directory.GetFileSystemEntries(_test.Settings.Run));
    }
}
