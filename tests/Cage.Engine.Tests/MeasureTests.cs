using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>What cages use, against what is known to be used.</summary>
public sealed class MeasureTests(SmallRoot root) : IClassFixture<SmallRoot>, IDisposable
{
    private readonly TestStore _test = new();

    public void Dispose() => _test.Dispose();

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void A_running_one_is_seen_at_work(CageIsolation isolation)
    {
        CageRecord record = _test.NewCage(root, isolation);
        using RunningCage web = _test.Start(record);
        CageUsage idle = _test.Engine.Measure(web.Info);
        Assert.Equal(isolation == CageIsolation.Chroot ? 0 : 1, idle.Processes);
        _test.Sh(web.Info, "setsid bash -c 'x=$(printf %050000000d 0); i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; echo >/etc/done; read <>/dev/full' </dev/null >/dev/null 2>&1 &");
        TestStore.Wait(() => File.Exists($"{record.RootPath}/etc/done"));
        CageUsage busy = _test.Engine.Measure(web.Info);
        Assert.Equal(CageState.Running, busy.State);
        Assert.True(busy.Processes > idle.Processes);
        Assert.True(busy.ProcessorTime - idle.ProcessorTime > TimeSpan.FromMilliseconds(50), $"{busy.ProcessorTime}");
        Assert.InRange(busy.Memory - idle.Memory, 45_000_000, 500_000_000);
        Assert.NotEqual(UsageSource.None, busy.MemorySource);
        _test.Engine.Suspend(record);
        Assert.Equal((CageState.Suspended, busy.Processes), (_test.Engine.Measure(_test.Look(record)).State, _test.Engine.Measure(_test.Look(record)).Processes));
        _test.Stop(record, new() { Force = true });
        CageUsage stopped = _test.Engine.Measure(_test.Look(record));
        Assert.Equal((CageState.Stopped, 0, 0L, TimeSpan.Zero, UsageSource.None), (stopped.State, stopped.Processes, stopped.Memory, stopped.ProcessorTime, stopped.MemorySource));
    }

    [CageFact]
    public void One_with_a_limit_of_memory_has_it_counted_by_its_group()
    {
        CageRecord record = _test.Create(new NewCage { Name = "web", Base = [_test.NewBase(root.Path)], Limits = new CageLimits { Memory = 256 << 20 } }).Record;
        using RunningCage web = _test.Start(record);
        _test.Sh(web.Info, "setsid bash -c 'x=$(printf %050000000d 0); echo >/etc/done; read <>/dev/full' </dev/null >/dev/null 2>&1 &");
        TestStore.Wait(() => File.Exists($"{record.RootPath}/etc/done"));
        CageUsage usage = _test.Engine.Measure(web.Info);
        Assert.Equal(UsageSource.Group, usage.MemorySource);
        Assert.InRange(usage.Memory, 50_000_000, 256 << 20);
    }

    [CageFact]
    public void Its_own_files_are_counted_once_and_no_others()
    {
        CageRecord record = _test.NewCage(root, CageIsolation.Jail);
        string upper = record.RootPath;
        File.WriteAllBytes($"{upper}/full", new byte[1 << 20]);
        Shell.Run("cd \"$upper\"; ln full again; mkdir -p a/b; ln -s / a/link; truncate -s 64M sparse; mkfifo a/b/fifo; printf x >$'a/\\xff'; sync", ("upper", upper));
        CageUsage usage = _test.Engine.Measure(_test.Look(record));
        long expected = long.Parse(Shell.Run("cd \"$upper\"; du -s --block-size=1 . | cut -f1", ("upper", upper)), System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(expected, usage.DiskAllocated);
        Assert.Equal((1 << 20) + (64 << 20) + 1 + "/".Length, usage.DiskApparent);
        Assert.Equal(usage.DiskAllocated, usage.DiskExclusive);
        Assert.Equal(0, _test.Engine.Measure(_test.Engine.Find("base")).DiskApparent);
    }

    [CageFact]
    public void What_is_shared_with_other_files_is_not_its_own() => MountNamespace.Run(folder =>
    {
        // 300 MiB is the least that mkfs.xfs takes; the image is sparse.
        Shell.Run("cd \"$folder\"; truncate -s 320M image; mkfs.xfs -q -m reflink=1 image; mkdir xfs; mount -o loop image xfs", ("folder", folder));
        string own = $"{folder}/xfs";
        Directory.CreateDirectory($"{own}/tree");
        Shell.Run("cd \"$own\"; head -c 2M /dev/urandom >one; cp --reflink=always one tree/same; cp --reflink=never one tree/other; sync", ("own", own));
        DiskUsage usage = DiskUsage.Of($"{own}/tree", default);
        Assert.Equal(4 << 20, usage.Apparent);
        Assert.Equal(4 << 20, usage.Allocated);
        Assert.Equal(2 << 20, usage.Exclusive);
        Shell.Run("cd \"$own\"; rm one; sync", ("own", own));
        // XFS gives back what an unlinked file had in a moment of its own choosing (inodegc).
        for (int i = 0; i < 100 && DiskUsage.Of($"{own}/tree", default).Exclusive < 4 << 20; i++) Thread.Sleep(50);
        Assert.Equal(4 << 20, DiskUsage.Of($"{own}/tree", default).Exclusive);
        Shell.Run("umount \"$own\"", ("own", own));
    });
}
