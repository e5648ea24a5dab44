using System.Diagnostics;
using Cage.Engine.Plans;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>The start and stop scripts, run inside. [004]</summary>
public sealed class ScriptTests(SmallRoot root) : IClassFixture<SmallRoot>, IDisposable
{
    private readonly TestStore _test = new();

    public void Dispose() => _test.Dispose();

    private CageRecord NewCage(CageIsolation isolation, string? start = null, string? stop = null)
    {
        CageRecord record = _test.NewCage(root, isolation);
        if (start is not null) record = Script(record, "start", start);
        return stop is null ? record : Script(record, "stop", stop);
    }

    private CageRecord Script(CageRecord record, string key, string text)
    {
        File.WriteAllText($"{record.Path}/{key}.sh", text);
        return _test.SetKey(record, key, $"{key}.sh");
    }

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void They_run_inside_at_the_end_of_a_start_and_at_the_beginning_of_a_stop(CageIsolation isolation)
    {
        const string Common = "echo $(id -u) $(pwd) $(cat /etc/base); ls /proc/self/mountinfo /dev/null; echo to errors >&2\n";
        CageRecord record = NewCage(isolation, "#!/bin/bash\n" + Common + "setsid sleep 1000 & echo started >/etc/state", Common + "echo stopped $(cat /etc/state) >/etc/state");
        using RunningCage web = _test.Start(record);
        Assert.Equal("started", _test.Sh(web.Info, "cat /etc/state"));
        TestStore.Wait(() => _test.Engine.GetProcesses(web.Info).Any(process => process.Name == "sleep"));
        Assert.Contains(_test.Engine.GetProcesses(web.Info), process => process.CommandLine == "sleep 1000");
        const string Said = "0 / small\n/dev/null\n/proc/self/mountinfo\nto errors\n";
        Assert.Equal(Said, File.ReadAllText($"{record.Path}/start.sh.log"));
        Assert.Empty(_test.Stop(record));
        Assert.Equal("stopped started\n", File.ReadAllText($"{record.RootPath}/etc/state"));
        Assert.Equal(Said, File.ReadAllText($"{record.Path}/stop.sh.log"));
        Assert.Equal("600", Shell.Run("stat -c %a \"$log\"", ("log", $"{record.Path}/stop.sh.log")).Trim());
        _test.AssertNothingLeft(record);
    }

    /// <summary>The logs begin anew with each run: what the daemons of this one wrote, not of all before.</summary>
    [RootFact]
    public void Each_run_begins_its_log_anew()
    {
        CageRecord record = NewCage(CageIsolation.Chroot, "echo once");
        for (int i = 0; i < 2; i++)
        {
            using RunningCage web = _test.Start(record);
            Assert.Equal("once\n", File.ReadAllText($"{record.Path}/start.sh.log"));
        }
    }

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void A_start_script_that_fails_undoes_the_start(CageIsolation isolation)
    {
        CageRecord record = NewCage(isolation, "setsid sleep 1000 &\n(setsid bash -c 'trap \"\" TERM HUP; read x <>/dev/full' &)\necho what is wrong >&2\nexit 3\n");
        CageException e = Assert.Throws<CageException>(() => _test.Engine.Start(record));
        Assert.Equal(CageError.CageStartFailed, e.Error);
        Assert.Contains("ended with 3", e.Message);
        Assert.Contains("what is wrong", e.Message);
        Assert.Contains($"{record.Path}/start.sh.log", e.Message);
        _test.AssertNothingLeft(record);
        File.WriteAllText($"{record.Path}/start.sh", "true\n");
        using RunningCage web = _test.Start(record);
    }

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Jail)]
    public void A_start_script_that_cannot_be_run_undoes_the_start(CageIsolation isolation)
    {
        CageRecord record = NewCage(isolation, "#!/none/sh\n");
        Assert.Contains("start.sh script of \"web\" was not run: the interpreter", Assert.Throws<CageException>(() => _test.Engine.Start(record)).Message);
        _test.AssertNothingLeft(record);
        File.Delete($"{record.Path}/start.sh");
        CageException e = Assert.Throws<CageException>(() => _test.Engine.Start(record));
        Assert.Contains("start.sh", e.Message);
        Assert.Contains("ENOENT", e.Message);
        _test.AssertNothingLeft(record);
        Directory.CreateDirectory($"{record.Path}/start.sh");
        Assert.Contains("start.sh", Assert.Throws<CageException>(() => _test.Engine.Start(record)).Message);
        _test.AssertNothingLeft(record);
    }

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Jail)]
    public void A_start_can_be_cancelled_while_its_script_runs(CageIsolation isolation)
    {
        CageRecord record = NewCage(isolation, "setsid sleep 1000 &\nsleep 1000\n");
        using CancellationTokenSource soon = new(TimeSpan.FromMilliseconds(300));
        Stopwatch watch = Stopwatch.StartNew();
        Assert.Throws<OperationCanceledException>(() => _test.Engine.Start(record, cancellation: soon.Token));
        Assert.InRange(watch.Elapsed.TotalSeconds, 0.2, 4);
        _test.AssertNothingLeft(record);
    }

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void A_stop_script_that_hangs_is_killed_and_the_stop_goes_on(CageIsolation isolation)
    {
        CageRecord record = NewCage(isolation, stop: "trap '' TERM\nsetsid sleep 1000 &\necho so far\nread x <>/dev/full\nsleep 1000\n");
        using RunningCage web = _test.Start(record);
        Stopwatch watch = Stopwatch.StartNew();
        string warning = Assert.Single(_test.Stop(record, new StopOptions { Patience = TimeSpan.FromSeconds(0.5) }));
        Assert.InRange(watch.Elapsed.TotalSeconds, 0.5, 5);
        Assert.Contains("took longer", warning);
        Assert.Equal("so far\n", File.ReadAllText($"{record.Path}/stop.sh.log"));
        _test.AssertNothingLeft(record);
    }

    [CageTheory]
    [InlineData("fail", "ended with 7")]
    [InlineData("missing", "ENOENT")]
    [InlineData("interpreter", "stop.sh script of \"web\" was not run: the interpreter")]
    [InlineData("log is a folder", "EISDIR")]
    [InlineData("log is a link", "ELOOP")]
    [InlineData("script is a folder", "EISDIR")]
    public void A_stop_script_that_fails_is_told_and_does_not_keep_the_cage(string how, string what)
    {
        CageRecord record = NewCage(CageIsolation.Jail, stop: how == "interpreter" ? "#!/none\n" : "exit 7\n");
        using RunningCage web = _test.Start(record);
        if (how is "missing" or "script is a folder") File.Delete($"{record.Path}/stop.sh");
        if (how == "script is a folder") Directory.CreateDirectory($"{record.Path}/stop.sh");
        if (how == "log is a folder") Directory.CreateDirectory($"{record.Path}/stop.sh.log");
        if (how == "log is a link") File.CreateSymbolicLink($"{record.Path}/stop.sh.log", "/etc/passwd");
        string warning = Assert.Single(_test.Stop(record));
        Assert.Contains(what, warning);
        _test.AssertNothingLeft(record);
    }

    [CageFact]
    public void A_removal_by_force_does_not_run_the_stop_script()
    {
        CageRecord record = NewCage(CageIsolation.Jail, stop: "sleep 1000\n");
        using RunningCage web = _test.Start(record);
        _test.Engine.Remove(record, force: true);
        Assert.False(Directory.Exists(record.Path));
        _test.AssertNothingLeft(record);
    }

    [RootFact]
    public void The_end_of_what_a_script_said_is_told_however_long_that_is()
    {
        CageRecord record = NewCage(CageIsolation.Jail, "#!/bin/bash\nprintf -v much %070000000d 0; echo $much; printf '\\e]0;the end\\a\\n'; exit 3");
        CageException failure = Assert.Throws<CageException>(() => _test.Engine.Start(record));
        Assert.Contains("ended with 3: …000", failure.Message);
        Assert.Contains("000\n\\x1b]0;the end\\x07", failure.Message);
        _test.AssertNothingLeft(record);
    }

    /// <summary>Stopped before it has executed, it would hold up the very call that starts it.</summary>
    [RootFact]
    public void A_stop_script_that_others_in_the_cage_stop_at_once_does_not_hold_up_the_stop()
    {
        CageRecord record = NewCage(CageIsolation.Jail, stop: "true");
        // Whether it is caught, and when, is a matter of luck: one of some will be.
        for (int i = 0; i < 5; i++)
        {
            using RunningCage web = _test.Start(record);
            _test.Sh(web.Info, "(while kill -0 $$; do :; done; echo >/ready; while :; do kill -STOP -1; done) >/dev/null 2>&1 &");
            TestStore.Wait(() => File.Exists($"{record.RootPath}/ready"));
            Task<IReadOnlyList<string>> stop = Task.Run(() => _test.Stop(record, new StopOptions { Patience = TimeSpan.FromSeconds(0.5) }));
            if (!stop.Wait(TimeSpan.FromSeconds(60))) Assert.Fail("The stop hangs.");
            Assert.All(stop.Result, warning => Assert.Contains("took longer", warning));
            _test.AssertNothingLeft(record);
        }
    }
}
