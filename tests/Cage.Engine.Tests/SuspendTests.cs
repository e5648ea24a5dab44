using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>Suspending: everything stands still, nothing is lost, and a stop works all the same.</summary>
public sealed class SuspendTests(SmallRoot root) : IClassFixture<SmallRoot>, IDisposable
{
    private const string Counter = "setsid bash -c 'trap \"echo ended >/etc/ended; exit\" TERM; i=0; while :; do i=$((i+1)); echo $i >/etc/count; done' </dev/null >/dev/null 2>&1 &";

    private readonly TestStore _test = new();

    public void Dispose() => _test.Dispose();

    private CageRecord Counting(CageIsolation isolation, out RunningCage web)
    {
        CageRecord record = _test.NewCage(root, isolation);
        web = _test.Start(record);
        _test.Sh(web.Info, Counter);
        TestStore.Wait(() => File.Exists($"{record.RootPath}/etc/count"));
        return record;
    }

    /// <summary>Between the truncation and the write it is empty; while all stands still it may stay so.</summary>
    private static string Count(CageRecord record) => File.ReadAllText($"{record.RootPath}/etc/count");

    private static bool Counts(CageRecord record)
    {
        string before = Count(record);
        bool changed = false;
        TestStore.Wait(() => changed = Count(record) != before);
        return changed;
    }

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void What_runs_stands_still_and_goes_on(CageIsolation isolation)
    {
        CageRecord record = Counting(isolation, out RunningCage web);
        using (web)
        {
            Assert.True(Counts(record));
            Assert.Equal(CageState.Suspended, _test.Engine.Suspend(record).State);
            string still = Count(record);
            Thread.Sleep(100);
            Assert.Equal(still, Count(record));
            Assert.Equal(CageState.Suspended, _test.Engine.Suspend(record).State);
            CageInfo suspended = _test.Look(record);
            Assert.NotEmpty(_test.Engine.GetProcesses(suspended));
            Assert.NotEmpty(_test.Engine.GetMounts(suspended));
            CageException refused = Assert.Throws<CageException>(() => _test.Run(suspended, TestStore.Command("true")));
            Assert.Equal(CageError.CageNotRunning, refused.Error);
            Assert.Contains("suspended", refused.Message);
            Assert.Equal(CageError.CageAlreadyRunning, Assert.Throws<CageException>(() => _test.Engine.Start(record)).Error);
            Assert.Equal(CageError.CageAlreadyRunning, Assert.Throws<CageException>(() => _test.Engine.Remove(record)).Error);
            Assert.Equal(CageState.Running, _test.Engine.Resume(record).State);
            Assert.True(Counts(record));
            Assert.Equal(CageState.Running, _test.Engine.Resume(record).State);
        }
        _test.AssertNothingLeft(record);
    }

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void A_stop_lets_what_is_suspended_end_in_its_own_way(CageIsolation isolation)
    {
        CageRecord record = Counting(isolation, out RunningCage web);
        using (web)
        {
            _test.Engine.Suspend(record);
            Assert.Contains(_test.Engine.PlanStop(record).Lines, line => line.Action == "resume what is suspended");
            File.WriteAllText($"{record.Path}/down", "echo down >/etc/down\n");
            record = _test.SetKey(record, "stop", "down");
            Assert.Empty(_test.Stop(record));
            Assert.Equal("ended\n", File.ReadAllText($"{record.RootPath}/etc/ended"));
            Assert.Equal("down\n", File.ReadAllText($"{record.RootPath}/etc/down"));
        }
        _test.AssertNothingLeft(record);
    }

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void A_stop_by_force_kills_it_where_it_stands(CageIsolation isolation)
    {
        CageRecord record = Counting(isolation, out RunningCage web);
        using (web)
        {
            _test.Engine.Suspend(record);
            string still = Count(record);
            _test.Stop(record, new() { Force = true });
            if (Freezer.LetsKill) Assert.Equal(still, Count(record));
            Assert.False(File.Exists($"{record.RootPath}/etc/ended"));
        }
        _test.AssertNothingLeft(record);
    }

    [CageFact]
    public void What_is_stopped_can_be_neither()
    {
        CageRecord record = _test.NewCage(root, CageIsolation.Jail);
        Assert.Equal(CageError.CageNotRunning, Assert.Throws<CageException>(() => _test.Engine.Suspend(record)).Error);
        Assert.Equal(CageError.CageNotRunning, Assert.Throws<CageException>(() => _test.Engine.Resume(record)).Error);
    }

    /// <summary>The freezer of version 1, on a host that has both.</summary>
    [LegacyFreezerTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Jail)]
    public void The_freezer_of_version_1_takes_in_what_is_forked_meanwhile(CageIsolation isolation)
    {
        CageRecord record = Counting(isolation, out RunningCage web);
        using (web)
        {
            _test.Sh(web.Info, "setsid bash -c 'while :; do /bin/true; done' </dev/null >/dev/null 2>&1 &");
            Freezer.FreezeLegacy(_test.Look(record), default);
            string still = Count(record);
            Thread.Sleep(100);
            Assert.Equal(still, Count(record));
            Freezer.ThawLegacy(record.Id);
            Assert.True(Counts(record));
            _test.Stop(record, new() { Force = true });
        }
        Assert.Empty(Leftovers.GroupsOf(record.Id));
    }
}

/// <summary>A theory that needs the freezer of version 1; without it is counted as skipped and says so.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class LegacyFreezerTheoryAttribute : TheoryAttribute
{
    public LegacyFreezerTheoryAttribute() => Skip = CageNeeds.Missing ?? (LegacyGroups.Hierarchy("freezer") is null ? "needs the freezer of control groups version 1" : null);
}
