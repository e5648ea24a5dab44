using Cage.Engine.Layers;
using Cage.Engine.Roots;
using Cage.Engine.Snapshots;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>The seed's own host story: a snapshot of the root, the nil UUID that follows, cages over it. [000] [004]</summary>
public sealed class HostSnapshotTests(SmallRoot root) : IClassFixture<SmallRoot>
{
    /// <summary>What pacman would do: write, replace, rename and remove.</summary>
    private const string Install =
        """
        set -e
        mkdir -p usr/share/nginx/html; echo page >usr/share/nginx/html/index.html
        echo changed >etc/base.new; mv etc/base.new etc/base
        mv usr/share usr/shared; mv home/alice home/bob; rm usr/bin/uname; rm -r var; mkdir var; echo new >var/in
        chmod 700 etc/passwd; touch -d '2001-01-01' etc/group
        """;

    private void Run(Action<SnapshotBench> body) => SnapshotBench.Run("btrfs", bench =>
    {
        bench.FillSource(root);
        body(bench);
    });

    private static CageRecord NewCage(SnapshotBench bench, Guid below, CageIsolation isolation = CageIsolation.Chroot, string name = "web") =>
        bench.Test.Create(new NewCage { Name = name, Base = [below], Isolation = isolation }).Record;

    [DiskTheory("btrfs")]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void What_is_done_in_a_cage_over_it_changes_neither_the_host_nor_the_snapshot(CageIsolation isolation) => Run(bench =>
    {
        Directory.CreateDirectory($"{bench.Source}/usr/share/old");
        CageSnapshot snapshot = bench.Take(asHost: true);
        var before = TreeImage.Of(bench.Source);
        CageRecord web = NewCage(bench, bench.Test.Engine.FindBase("host"), isolation);
        using (RunningCage cage = bench.Test.Start(web)) bench.Test.Sh(cage.Info, $"cd /; {Install}");
        using (RunningCage cage = bench.Test.Start(web))
        {
            Assert.Equal("changed page new", bench.Test.Sh(cage.Info, "cd /; echo $(cat etc/base usr/shared/nginx/html/index.html var/in)"));
            bench.Test.Sh(cage.Info, "cd /; test ! -e usr/bin/uname; test ! -e usr/share; test -d usr/shared/old; test -d home/bob");
        }
        TreeImage.AssertSame(before, bench.Source);
        TreeImage.AssertSame(before, snapshot.Path);

        // And the host goes on without the cage seeing it.
        Shell.Run($"cd \"$host\"; {Install}; echo later >etc/later", ("host", bench.Source));
        TreeImage.AssertSame(before, snapshot.Path);
        using (RunningCage cage = bench.Test.Start(web)) bench.Test.Sh(cage.Info, "test ! -e /etc/later");
    });

    [DiskFact("btrfs")]
    public void The_nil_cage_follows_the_newest_of_the_host_and_only_that() => Run(bench =>
    {
        bench.Take();
        Assert.Null(bench.HostLink);
        CageSnapshot one = bench.Take(asHost: true);
        Assert.Equal((true, true), (one.OfHost, one.IsHost));
        Assert.Equal(one.Path, bench.HostLink);
        CageRecord nil = bench.Test.Store.Get(CageRecord.Nil)!;
        Assert.Equal((CageKind.ReadOnly, "host", false), (nil.Kind, nil.Name, nil.IsLive));
        Assert.Contains("newest snapshot of the host", nil.Memo);
        bench.Take();
        Assert.Equal(one.Path, bench.HostLink);
        CageSnapshot two = bench.Take(asHost: true);
        Assert.Equal(two.Path, bench.HostLink);
        Assert.Equal([false, false, false, true], bench.Test.Engine.Snapshots().Select(snapshot => snapshot.IsHost));
        Assert.Equal([false, true, false, true], bench.Test.Engine.Snapshots().Select(snapshot => snapshot.OfHost));
    });

    [DiskFact("btrfs")]
    public void The_link_moves_in_one_step() => Run(bench =>
    {
        bench.Take(asHost: true);
        string link = $"{bench.Test.Store.PathOf(CageRecord.Nil, CageKind.ReadOnly)}/root/etc/base";
        using CancellationTokenSource end = new();
        int reads = 0, missing = 0;
        Thread reader = new(() =>
        {
            for (; !end.IsCancellationRequested; reads++)
                if (Files.StatusFollowed(link) is null) missing++;
        });
        reader.Start();
        for (int i = 0; i < 15; i++) bench.Take(asHost: true);
        foreach (CageSnapshot snapshot in bench.Test.Engine.Snapshots().Reverse().SkipLast(1)) bench.Test.Engine.RemoveSnapshot(snapshot);
        end.Cancel();
        reader.Join();
        Assert.True(reads > 100, $"{reads} reads");
        Assert.Equal(0, missing);
    });

    [DiskFact("btrfs")]
    public void A_base_named_host_is_pinned_and_the_nil_id_drifts_with_a_warning() => Run(bench =>
    {
        Assert.Equal(CageError.CageSnapshotNotFound, Assert.Throws<CageException>(() => bench.Test.Engine.FindBase("host")).Error);
        CageSnapshot one = bench.Take(asHost: true);
        CageRecord pinned = NewCage(bench, bench.Test.Engine.FindBase("host")), adrift = NewCage(bench, CageRecord.Nil, name: "adrift");
        Assert.Equal([one.CageId!.Value], pinned.Base);
        foreach (CageRecord cage in new[] { pinned, adrift }) Assert.Empty(Start(cage, "small"));
        Assert.Empty(Moved(adrift));
        File.WriteAllText($"{bench.Source}/etc/base", "newer\n");
        CageSnapshot two = bench.Take(asHost: true);
        Assert.Empty(Start(pinned, "small"));
        string warning = Assert.Single(Start(adrift, "newer"));
        Assert.Contains(one.Path, warning);
        Assert.Contains(two.Path, warning);
        Assert.Contains("--base host", warning);
        CageFinding moved = Assert.Single(Moved(adrift));
        Assert.Equal((adrift.Id, $"base={CageRecord.Nil}", warning), (moved.CageId, moved.Path, moved.Message));
        Assert.Empty(Moved(pinned));
        bench.Test.Engine.RemoveSnapshot(two, force: true);
        Assert.Empty(Start(adrift, "small"));
        Assert.Empty(Moved(adrift));

        IEnumerable<CageFinding> Moved(CageRecord cage) => bench.Test.Engine.Test(bench.Test.Store.Get(cage.Id)!).Where(finding => finding.Kind == FindingKind.BaseMoved);

        IReadOnlyList<string> Start(CageRecord cage, string expected)
        {
            List<string> warnings = [];
            CageInfo info = bench.Test.Engine.Start(bench.Test.Store.Get(cage.Id)!, null, warnings.Add);
            Assert.Equal(expected, bench.Test.Sh(info, "cat /etc/base"));
            bench.Test.Stop(cage);
            return warnings;
        }
    });

    /// <summary>A directory of a layer that is renamed is noted by its old path, which would mean something else after the layer has moved; it is copied up instead.</summary>
    [DiskFact("btrfs")]
    public void A_folder_of_a_pinned_layer_is_renamed_by_a_note_and_one_of_the_nil_cage_is_not() => Run(bench =>
    {
        bench.Take(asHost: true);
        foreach (var (below, expected) in new[] { (CageRecord.Nil, "follow"), (bench.Test.Engine.FindBase("host"), "on") })
        {
            CageRecord web = NewCage(bench, below);
            using (bench.Test.Start(web))
            {
                MountEntry mount = MountTable.Read().Single(entry => entry.MountPoint == web.MountPath);
                Assert.Equal(expected, mount.SuperOption("redirect_dir").SingleOrDefault() ?? "follow");
                int status = bench.Test.Run(bench.Test.Look(web), TestStore.Command("/bin/bash", "-c", "mv /home /house")).Status;
                Assert.Equal(0, status);
            }
            using Descriptor upper = Files.Open(web.RootPath, Files.O_RDONLY | Files.O_DIRECTORY);
            Assert.Equal(expected == "on", Attributes.Names(upper, [.. "house\0"u8]).Contains("trusted.overlay.redirect"));
            bench.Test.Engine.Remove(web);
        }
    });

    [DiskFact("btrfs")]
    public void The_nil_cage_made_here_works_with_the_seeds_lines_and_theirs_with_this() => Run(bench =>
    {
        string conf = $"{bench.Disk}/cage.conf";
        File.WriteAllText(conf, $"data={bench.Test.Settings.Data}\n");
        CageSnapshot ours = bench.Take(asHost: true);
        CageRecord web = NewCage(bench, CageRecord.Nil);
        Assert.Equal("small\n", Type(Mount));

        // The lines' own nil, over the newest that ls finds; their snapshot counts as the host's.
        Shell.Run("sleep 1; btrfs -q subvolume snapshot -r \"$source\" \"$to/$(date +%Y%m%d%H%M%S).ss\"", ("source", bench.Source), ("to", bench.Folder));
        string theirs = bench.Test.Engine.Snapshots()[^1].Path;
        Assert.NotEqual(ours.Path, theirs);
        Assert.Equal(ours.Path, bench.HostLink);
        Type(
            """
            rm -r $dt/00000000-0000-0000-0000-000000000000.r
            id=00000000-0000-0000-0000-000000000000
            mkdir -pv $dt/$id.r
            cd $dt/$id.r
            ss=$(ls -dt $snapshots/*.ss | head -n1)
            ln -sv $ss root
            cat - >cage.conf <<___
            uuid=$id
            name=host_$(basename $ss .ss)
            memo=a snapshot of the host, $(date --rfc-3339=seconds -r $ss)
            root=root
            ___
            """);
        Assert.True(bench.Test.Engine.Snapshots().Single(snapshot => snapshot.IsHost).Path == bench.HostLink);
        Assert.Equal("small\n", Type(Mount));
        CageSnapshot newest = bench.Take(asHost: true);
        Assert.Equal(newest.Path, bench.HostLink);
        CageRecord nil = bench.Test.Store.Get(CageRecord.Nil)!;
        Assert.Equal("host", nil.Name);
        Assert.Contains("newest snapshot of the host", nil.Memo);

        string Type(string lines) => Shell.Run(
            "dt=$(sed -ne\"s/[[:space:]]*#.*$//; s/^data=\\(.*\\)$/\\1/p\" $conf)\n" + lines, ("conf", conf), ("id", $"{web.Id:D}"), ("snapshots", bench.Folder));
    });

    /// <summary>[004], "to move it" and "to stop it", but for the kernel's file systems.</summary>
    private const string Mount =
        """
        cd $dt/$id.w
        rt=$(sed -ne"s/[[:space:]]*#.*$//; s/^root=\(.*\)$/\1/p" cage.conf)
        mp=$(sed -ne"s/[[:space:]]*#.*$//; s/^mountpoint=\(.*\)$/\1/p" cage.conf)
        wk=$(sed -ne"s/[[:space:]]*#.*$//; s/^work=\(.*\)$/\1/p" cage.conf)
        bs_id=$(sed -ne"s/[[:space:]]*#.*$//; s/^base=\(.*\)$/\1/p" cage.conf)
        bs_rt=$(sed -ne"s/[[:space:]]*#.*$//; s/^root=\(.*\)$/\1/p" $dt/$bs_id.r/cage.conf)
        mount -t overlay overlay -o lowerdir=$dt/$bs_id.r/$bs_rt,upperdir=$rt,workdir=$wk $mp
        chroot $mp /bin/cat /etc/base
        umount $mp
        """;

    [DiskFact("btrfs")]
    public void A_nil_cage_that_cannot_follow_is_refused_before_anything_is_made() => Run(bench =>
    {
        string nil = $"{bench.Test.Store.PathOf(CageRecord.Nil, CageKind.ReadOnly)}";
        Directory.CreateDirectory($"{nil}/root");
        File.WriteAllText($"{nil}/cage.conf", $"uuid={CageRecord.Nil}\nname=host\nroot=root\n");
        CageException e = Assert.Throws<CageException>(() => bench.Take(asHost: true));
        Assert.Equal(CageError.CageSnapshotFailed, e.Error);
        Assert.Contains($"{nil}/root", e.Message);
        File.WriteAllText($"{nil}/cage.conf", "broken");
        Assert.Contains("line 1", Assert.Throws<CageException>(() => bench.Take(asHost: true)).Message);
        Assert.Empty(SnapshotBench.Entries(bench.Folder));
        Assert.Single(SnapshotBench.Entries(bench.Test.Settings.Data));
        // It hides no snapshot, and one that is none of the host's needs it not.
        bench.Take();
        Assert.Single(bench.Test.Engine.Snapshots());
        Directory.Delete(nil, recursive: true);
    });

    [DiskFact("btrfs")]
    public void Many_at_once_all_come_and_the_link_is_at_the_newest() => Run(bench =>
    {
        Thread[] threads = [.. Enumerable.Range(0, 6).Select(_ => new Thread(() =>
        {
            for (int i = 0; i < 3; i++) bench.Test.Engine.TakeSnapshot(new NewSnapshot { Source = bench.Source, AsHost = true });
        }))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        IReadOnlyList<CageSnapshot> all = bench.Test.Engine.Snapshots();
        Assert.Equal(18, all.Count);
        Assert.All(all, snapshot => Assert.NotNull(snapshot.CageId));
        Assert.Equal(all[^1].Path, bench.HostLink);
        Assert.Equal(19, SnapshotBench.Entries(bench.Test.Settings.Data).Length);
    });

    [DiskFact("btrfs")]
    public void Layers_of_one_host_are_told_live_from_still() => Run(bench =>
    {
        CageSnapshot still = bench.Take(asHost: true), live = bench.Take(SnapshotProvider.Live, asHost: true);
        Assert.True(LayerChain.Resolve(bench.Test.Store, [still.CageId!.Value]).IsPinned);
        Assert.False(LayerChain.Resolve(bench.Test.Store, [live.CageId!.Value]).IsPinned);
        Assert.False(LayerChain.Resolve(bench.Test.Store, [CageRecord.Nil]).IsPinned);
    });
}
