using Cage.Engine.Runtime;
using Cage.Engine.Snapshots;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>Removal of snapshots: never from under a cage in silence, never half, and the nil UUID goes to the next.</summary>
public sealed class SnapshotRemoveTests(SmallRoot root) : IClassFixture<SmallRoot>
{
    private static CageRecord NewCage(SnapshotBench bench, string name, Guid below, CageKind kind = CageKind.Writable) =>
        bench.Test.Create(new NewCage { Name = name, Kind = kind, Base = [below], Isolation = CageIsolation.Jail }).Record;

    [DiskFact("btrfs")]
    public void One_in_use_is_kept_and_who_uses_it_is_named() => SnapshotBench.Run("btrfs", bench =>
    {
        CageSnapshot snapshot = bench.Take(asHost: true);
        CageRecord direct = NewCage(bench, "direct", snapshot.CageId!.Value), layer = NewCage(bench, "layer", snapshot.CageId!.Value, CageKind.ReadOnly);
        CageRecord chained = NewCage(bench, "chained", layer.Id), nil = NewCage(bench, "by-nil", CageRecord.Nil);
        CageRecord linked = bench.Test.Create(new NewCage { Name = "linked", Kind = CageKind.ReadOnly, Source = snapshot.Path }).Record;
        CageException e = Assert.Throws<CageException>(() => bench.Test.Engine.RemoveSnapshot(snapshot));
        Assert.Equal(CageError.CageBusy, e.Error);
        foreach (CageRecord user in new[] { direct, layer, chained, nil, linked }) Assert.Contains($"\"{user.Name}\" ({user.Id})", e.Message);
        Assert.DoesNotContain($"host_{snapshot.Name}", e.Message);
        Assert.Contains("--force", e.Advice);
        Assert.Equal(2, SnapshotBench.Entries(bench.Folder).Length);
        Assert.Equal(snapshot.Path, bench.HostLink);

        bench.Test.Engine.RemoveSnapshot(snapshot, force: true);
        Assert.Empty(SnapshotBench.Entries(bench.Folder));
        Assert.Equal(["by-nil", "chained", "direct", "layer", "linked"], bench.Test.Store.ReadAll().Select(cage => cage.Name));
        Assert.Equal(CageError.CageConfInvalid, Assert.Throws<CageException>(() => bench.Test.Engine.Start(direct)).Error);
    });

    [DiskTheory("btrfs", "xfs")]
    [InlineData("btrfs")]
    [InlineData("xfs")]
    public void One_below_a_running_cage_is_kept_by_force_too(string type) => SnapshotBench.Run(type, bench =>
    {
        bench.FillSource(root);
        CageSnapshot snapshot = bench.Take(asHost: true);
        CageRecord pinned = NewCage(bench, "pinned", snapshot.CageId!.Value), nil = NewCage(bench, "by-nil", CageRecord.Nil);
        foreach (CageRecord record in new[] { pinned, nil })
            using (RunningCage cage = bench.Test.Start(record))
                foreach (bool force in new[] { false, true })
                {
                    CageException e = Assert.Throws<CageException>(() => bench.Test.Engine.RemoveSnapshot(snapshot, force));
                    Assert.Equal(CageError.CageBusy, e.Error);
                    Assert.Contains($"\"{record.Name}\"", e.Message);
                    Assert.Contains("Stop", e.Advice);
                    Assert.Equal("small", bench.Test.Sh(cage.Info, "cat /etc/base"));
                }
        bench.Test.Engine.RemoveSnapshot(snapshot, force: true);
        Assert.Empty(SnapshotBench.Entries(bench.Folder));
    });

    /// <summary>What is not kept is in no store, and an overlay made by hand in none either: the kernel knows of both.</summary>
    [DiskFact("btrfs")]
    public void One_below_a_cage_that_is_not_kept_or_a_mount_made_by_hand_is_kept() => SnapshotBench.Run("btrfs", bench =>
    {
        bench.FillSource(root);
        CageSnapshot snapshot = bench.Take(asHost: true);
        using (EphemeralCage cage = bench.Test.Engine.StartEphemeral(["host"], CageIsolation.Jail)) AssertKept();
        Shell.Run("mkdir \"$d\"/u \"$d\"/w \"$d\"/m", ("d", bench.Disk));
        using System.Diagnostics.Process holder = Shell.Start(
            "mount -t overlay x -o lowerdir=\"$nil\",upperdir=\"$d/u\",workdir=\"$d/w\" \"$d/m\"; echo; exec sleep 100",
            ("nil", $"{bench.Test.Store.PathOf(CageRecord.Nil, CageKind.ReadOnly)}/root"), ("d", bench.Disk));
        holder.StandardOutput.ReadLine();
        try
        {
            AssertKept();
        }
        finally
        {
            holder.Kill();
            holder.WaitForExit();
            Mounts.Unmount($"{bench.Disk}/m");
        }
        bench.Test.Engine.RemoveSnapshot(snapshot);
        bench.AssertNothing();

        void AssertKept()
        {
            foreach (bool force in new[] { false, true })
            {
                CageException e = Assert.Throws<CageException>(() => bench.Test.Engine.RemoveSnapshot(snapshot, force));
                Assert.Equal(CageError.CageBusy, e.Error);
                Assert.Contains("process", e.Message);
            }
            Assert.Equal(snapshot.Path, bench.HostLink);
        }
    });

    [DiskFact("btrfs")]
    public void The_nil_cage_goes_to_the_next_and_with_the_last() => SnapshotBench.Run("btrfs", bench =>
    {
        CageSnapshot[] all = [.. Enumerable.Range(0, 3).Select(_ => bench.Take(asHost: true))];
        CageSnapshot other = bench.Take();
        bench.Test.Engine.RemoveSnapshot(all[1]);
        Assert.Equal(all[2].Path, bench.HostLink);
        // As it was listed, when the next was the newest.
        bench.Test.Engine.RemoveSnapshot(all[2]);
        Assert.Equal(all[0].Path, bench.HostLink);
        Assert.False(all[0].IsHost && all[0].Name == all[2].Name);
        bench.Test.Engine.RemoveSnapshot(all[0] with { IsHost = false });
        Assert.Null(bench.HostLink);
        Assert.Null(bench.Test.Store.Get(CageRecord.Nil));
        Assert.Equal([other.Name], bench.Test.Engine.Snapshots().Select(snapshot => snapshot.Name));
        Assert.Equal(CageError.CageSnapshotNotFound, Assert.Throws<CageException>(() => bench.Test.Engine.RemoveSnapshot(all[0])).Error);
    });

    /// <summary>The seed's own line may have it through another link, or from where it lies.</summary>
    [DiskFact("btrfs")]
    public void A_nil_cage_linked_by_another_way_is_known_and_goes_on() => SnapshotBench.Run("btrfs", bench =>
    {
        CageSnapshot older = bench.Take(asHost: true), newer = bench.Take(asHost: true);
        string link = $"{bench.Test.Store.PathOf(CageRecord.Nil, CageKind.ReadOnly)}/root";
        File.Delete(link);
        File.CreateSymbolicLink(link, $"../../snapshots/{newer.Name}.ss");
        Assert.True(bench.Test.Engine.FindSnapshot(newer.Name).IsHost);
        CageRecord web = NewCage(bench, "web", CageRecord.Nil);
        Assert.Contains("\"web\"", Assert.Throws<CageException>(() => bench.Test.Engine.RemoveSnapshot(newer)).Message);
        bench.Test.Engine.Remove(web);
        bench.Test.Engine.RemoveSnapshot(newer);
        Assert.Equal(older.Path, bench.HostLink);
    });

    /// <summary>A snapshot of something else whose cage is gone would pass for one of the host's.</summary>
    [DiskFact("ext4")]
    public void The_cage_of_a_snapshot_goes_with_that_only() => SnapshotBench.Run("ext4", bench =>
    {
        CageSnapshot snapshot = bench.Take();
        CageException e = Assert.Throws<CageException>(() => bench.Test.Engine.Remove(bench.Test.Store.Get(snapshot.CageId!.Value)!, force: true));
        Assert.Equal(CageError.CageBusy, e.Error);
        Assert.Contains($"cage snapshot remove {snapshot.Name}", e.Advice);
        Directory.Delete(snapshot.Path, recursive: true);
        bench.Test.Engine.Remove(bench.Test.Store.Get(snapshot.CageId!.Value)!);
        Assert.Empty(bench.Test.Store.ReadAll());
    });

    [DiskFact("btrfs")]
    public void What_is_nested_in_one_goes_too() => SnapshotBench.Run("btrfs", bench =>
    {
        foreach (string name in new[] { "a", "a/b", "a/b/c", "d" }) SnapshotBench.Subvolume($"{bench.Source}/{name}");
        CageSnapshot snapshot = bench.Take(new NewSnapshot
        {
            Source = bench.Source,
            Nested = new[] { "a", "a/b", "a/b/c", "d" }.ToDictionary(name => $"{bench.Source}/{name}", _ => NestedDecision.Snapshot),
        });
        Assert.True(Directory.Exists($"{snapshot.Path}/a/b/c"));
        bench.Test.Engine.RemoveSnapshot(snapshot);
        bench.AssertNothing();
        Assert.True(Directory.Exists($"{bench.Source}/a/b/c"));
    });

    [DiskTheory]
    [InlineData("btrfs", SnapshotProvider.Btrfs)]
    [InlineData("ext4", SnapshotProvider.Copy)]
    public void Snapshots_and_removals_at_once_leave_what_they_should(string type, SnapshotProvider provider) => SnapshotBench.Run(type, bench =>
    {
        Shell.Run("cd \"$top\"; for i in {1..200}; do echo $i >$i; done", ("top", bench.Source));
        List<Exception> failures = [];
        Thread[] makers = [.. Enumerable.Range(0, 2).Select(_ => Start(() =>
        {
            for (int i = 0; i < 5; i++) bench.Test.Engine.TakeSnapshot(new NewSnapshot { Source = bench.Source, Provider = provider, AsHost = true });
        }))];
        Thread remover = Start(() =>
        {
            for (int i = 0; i < 40; i++)
            {
                try
                {
                    if (bench.Test.Engine.Snapshots().FirstOrDefault(snapshot => !snapshot.IsUnfinished) is CageSnapshot oldest) bench.Test.Engine.RemoveSnapshot(oldest);
                }
                catch (CageException e) when (e.Error is CageError.CageSnapshotNotFound or CageError.CageBusy)
                {
                }
                Assert.DoesNotContain(bench.Test.Engine.Snapshots(), snapshot => snapshot.IsUnfinished);
            }
        });
        foreach (Thread thread in makers.Append(remover)) thread.Join();
        Assert.Empty(failures);
        CageSnapshot[] left = [.. bench.Test.Engine.Snapshots()];
        Assert.All(left, snapshot => Assert.NotNull(snapshot.CageId));
        Assert.Equal(left.LastOrDefault()?.Path, bench.HostLink);
        foreach (CageSnapshot snapshot in left) bench.Test.Engine.RemoveSnapshot(snapshot);
        bench.AssertNothing();

        Thread Start(Action body)
        {
            Thread thread = new(() =>
            {
                if (Record.Exception(body) is Exception e)
                    lock (failures) failures.Add(e);
            });
            thread.Start();
            return thread;
        }
    });
}
