using Cage.Engine.Snapshots;
using Cage.Engine.Store;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>A snapshot that does not come to its end leaves nothing; one of a tree that changes meanwhile comes to it.</summary>
public sealed class SnapshotFailureTests
{
    [DiskTheory]
    [InlineData("xfs", SnapshotProvider.Reflink)]
    [InlineData("ext4", SnapshotProvider.Copy)]
    public void One_that_is_cancelled_leaves_nothing(string type, SnapshotProvider provider) => SnapshotBench.Run(type, bench =>
    {
        for (int i = 0; i < 40; i++) Shell.Run("mkdir \"$top/d$i\"; cd \"$top/d$i\"; touch {1..300}", ("top", bench.Source), ("i", $"{i}"));
        int cancelled = 0;
        foreach (int delay in new[] { 0, 1, 5, 10, 20, 40, 80 })
        {
            using CancellationTokenSource soon = new();
            if (delay == 0) soon.Cancel();
            else soon.CancelAfter(delay);
            try
            {
                bench.Test.Engine.RemoveSnapshot(bench.Take(new NewSnapshot { Source = bench.Source, Provider = provider }, soon.Token));
            }
            catch (OperationCanceledException)
            {
                cancelled++;
            }
            bench.AssertNothing();
        }
        Assert.True(cancelled > 1, $"{cancelled} were cancelled");
    });

    [DiskFact("ext4")]
    public void A_copy_that_does_not_fit_is_refused_before_it_begins() => SnapshotBench.Run(
        "ext4",
        bench =>
        {
            Shell.Run("head -c 20M /dev/zero >\"$top/a\"; ln \"$top/a\" \"$top/b\"; truncate -s 10G \"$top/sparse\"", ("top", bench.Source));
            bench.Test.Engine.RemoveSnapshot(bench.Take());
            Shell.Run("head -c 20M /dev/zero >\"$top/more\"", ("top", bench.Source));
            int told = 0;
            CageException e = Assert.Throws<CageException>(() => bench.Take(new NewSnapshot { Source = bench.Source }, progress: _ => told++));
            Assert.Equal(CageError.CageSnapshotFailed, e.Error);
            Assert.Contains("ENOSPC", e.Message);
            Assert.Contains("40 MiB", e.Message);
            Assert.Contains("snapshots=", e.Advice);
            Assert.Equal(0, told);
            bench.AssertNothing();
        },
        mebibytes: 64);

    [DiskFact("ext4")]
    public void A_file_that_cannot_be_read_is_named_and_can_be_left_out() => SnapshotBench.Run("ext4", bench =>
    {
        // The second half of the disk is gone, with most of the large file. Not an image on the other disk: each would keep the other from going.
        Shell.Run(
            """
            trap 'rm -f "$image"' EXIT
            truncate -s 100M "$image"; mkfs.ext4 -q -F -O ^has_journal "$image"; mount -o loop "$image" "$top"
            mkdir "$top"/in; echo fine >"$top"/in/small; head -c 80M /dev/zero >"$top"/in/large; umount "$top"
            loop=$(losetup -f --show "$image"); truncate -s 50M "$image"; mount -o ro,noatime "$loop" "$top"; losetup -d "$loop"
            """,
            ("top", bench.Source), ("image", $"/dev/shm/cage-test-{Guid.NewGuid():N}"));
        try
        {
            CageException e = bench.Refused(new NewSnapshot { Source = bench.Source });
            Assert.Equal(CageError.CageSnapshotFailed, e.Error);
            Assert.Contains($"{bench.Source}/in/large: EIO", e.Message);
            Assert.Contains("--exclude", e.Advice);
            CageSnapshot snapshot = bench.Take(new NewSnapshot { Source = bench.Source, Exclude = ["*/large", "*/lost+found"] });
            Assert.Equal("fine\n", File.ReadAllText($"{snapshot.Path}/in/small"));
        }
        finally
        {
            Mounts.Unmount(bench.Source);
        }
    });

    [DiskFact("ext4")]
    public void Files_that_are_too_many_are_refused_before_it_begins() => SnapshotBench.Run(
        "ext4",
        bench =>
        {
            // A small disk has one inode for 8 KiB.
            using Descriptor disk = Files.Open(bench.Disk, Files.O_RDONLY | Files.O_DIRECTORY);
            long half = Files.Space(disk).Inodes / 2 + 100;
            Shell.Run("cd \"$top\"; seq $count | xargs touch", ("top", bench.Source), ("count", $"{half}"));
            CageException e = bench.Refused(new NewSnapshot { Source = bench.Source });
            Assert.Contains("inodes (ENOSPC)", e.Message);
        },
        mebibytes: 16);

    [DiskFact("ext4")]
    public void A_disk_that_fills_up_meanwhile_leaves_nothing() => SnapshotBench.Run(
        "ext4",
        bench =>
        {
            // Folders take a block each, which nobody can know beforehand: other file systems have none for small ones.
            Shell.Run("cd \"$top\"; seq 3000 | xargs mkdir; head -c $(($(stat -f -c '%a * %S' .) - 6000000)) /dev/zero >\"$disk\"/ballast", ("top", bench.Source), ("disk", bench.Disk));
            CageException? e = Record.Exception(() => bench.Take(SnapshotProvider.Copy)) as CageException;
            Assert.NotNull(e);
            Assert.Equal(CageError.CageSnapshotFailed, e.Error);
            Assert.Contains("ENOSPC", e.Message);
            bench.AssertNothing();
        },
        mebibytes: 64);

    /// <summary>A host goes on while it is copied.</summary>
    [DiskTheory]
    [InlineData("xfs", SnapshotProvider.Reflink)]
    [InlineData("ext4", SnapshotProvider.Copy)]
    public void What_comes_goes_and_changes_its_kind_meanwhile_does_no_harm(string type, SnapshotProvider provider) => SnapshotBench.Run(type, bench =>
    {
        Shell.Run("mkdir \"$top/still\"; cd \"$top/still\"; touch {1..200}; mkdir ../moving; cd ../moving; mkdir {a..j}", ("top", bench.Source));
        var still = TreeImage.Of($"{bench.Source}/still");
        using System.Diagnostics.Process churn = Shell.Start(
            """
            cd "$top/moving"
            while :; do
                for d in {a..j}; do
                    mkdir -p $d/x; echo 1 >$d/file; ln -sf file $d/link; ln -f $d/file $d/hard; rm -rf $d/turn; mkfifo $d/turn
                    rm -f $d/file $d/link; mkdir $d/link; rm -rf $d/turn; mkdir $d/turn $d/turn/in; echo >$d/turn/in/f; rm -rf $d/x $d/link
                    rm -rf $d/turn; ln -s nowhere $d/turn; mv $d z$d; mkdir $d; rm -rf z$d
                done
            done
            """,
            ("top", bench.Source));
        try
        {
            for (int i = 0; i < 40; i++)
            {
                CageSnapshot snapshot = bench.Take(new NewSnapshot { Source = bench.Source, Provider = provider });
                TreeImage.AssertSame(still, $"{snapshot.Path}/still");
                bench.Test.Engine.RemoveSnapshot(snapshot);
            }
        }
        finally
        {
            churn.Kill(entireProcessTree: true);
            churn.WaitForExit();
        }
        bench.AssertNothing();
    });

    [DiskFact("btrfs")]
    public void What_a_killed_command_left_is_named_and_cleared() => SnapshotBench.Run("btrfs", bench =>
    {
        Directory.CreateDirectory($"{bench.Folder}/.20200101000000.ss.new/some/tree");
        SnapshotBench.Subvolume($"{bench.Folder}/.20200102000000.ss.gone");
        SnapshotBench.Subvolume($"{bench.Folder}/.20200102000000.ss.gone/nested");
        File.WriteAllText($"{bench.Folder}/20200102000000.txt", "its note");
        CageSnapshot done = bench.Take();
        CageSnapshot[] all = [.. bench.Test.Engine.Snapshots()];
        Assert.Equal([true, true, false], all.Select(snapshot => snapshot.IsUnfinished));
        Assert.Equal(["20200101000000", "20200102000000", done.Name], all.Select(snapshot => snapshot.Name));
        // One that is being made is nobody's to clear, and is not told of.
        using (Descriptor making = Files.Open(all[0].Path, Files.O_RDONLY | Files.O_DIRECTORY))
        {
            Assert.True(Files.Lock(making, wait: false));
            Assert.Equal(["20200102000000", done.Name], bench.Test.Engine.Snapshots().Select(snapshot => snapshot.Name));
            Assert.Throws<CageException>(() => bench.Test.Engine.RemoveSnapshot(all[0]));
            Assert.True(Directory.Exists($"{all[0].Path}/some/tree"));
        }
        foreach (CageSnapshot left in all) bench.Test.Engine.RemoveSnapshot(left);
        bench.AssertNothing();
    });

    /// <summary>systemd has its journal so on btrfs.</summary>
    [DiskFact("btrfs")]
    public void A_file_that_cannot_be_shared_is_copied() => SnapshotBench.Run("btrfs", bench =>
    {
        Shell.Run("cd \"$top\"; : >journal; chattr +C journal; echo some log >>journal; echo plain >plain", ("top", bench.Source));
        var before = TreeImage.Of(bench.Source);
        TreeImage.AssertSame(before, bench.Take(SnapshotProvider.Reflink).Path);
    });

    [DiskFact("btrfs", "ext4")]
    public void What_only_btrfs_has_does_not_keep_a_copy_elsewhere() => SnapshotBench.Run("ext4", bench =>
    {
        Disk.Mount("btrfs", bench.Source);
        Shell.Run("cd \"$top\"; mkdir zip; btrfs property set zip compression zstd; echo text >zip/file", ("top", bench.Source));
        CageSnapshot snapshot = bench.Take();
        Assert.Equal(SnapshotProvider.Copy, snapshot.Provider);
        Assert.Equal("text\n", File.ReadAllText($"{snapshot.Path}/zip/file"));
    });

    [DiskFact("ext4")]
    public void A_list_that_the_folder_hands_down_does_not_reach_the_copy() => SnapshotBench.Run("ext4", bench =>
    {
        Directory.CreateDirectory(bench.Folder);
        byte[] list = [2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 2, 0, 7, 0, 0xe8, 3, 0, 0, 4, 0, 5, 0, 255, 255, 255, 255, 16, 0, 7, 0, 255, 255, 255, 255, 32, 0, 5, 0, 255, 255, 255, 255];
        OddTree.Set(bench.Folder, "system.posix_acl_default", list);
        Shell.Run("cd \"$top\"; mkdir -p a/b; echo >a/file; mkfifo a/fifo", ("top", bench.Source));
        var before = TreeImage.Of(bench.Source);
        TreeImage.AssertSame(before, bench.Take(SnapshotProvider.Copy).Path);
    });

    [DiskFact("ext4")]
    public void Progress_tells_how_far_it_is() => SnapshotBench.Run("ext4", bench =>
    {
        Shell.Run("cd \"$top\"; for d in {1..60}; do mkdir $d; touch $d/{1..200}; done; head -c 60M /dev/urandom >large", ("top", bench.Source));
        List<CopyProgress> told = [];
        bench.Take(new NewSnapshot { Source = bench.Source }, progress: told.Add);
        Assert.NotEmpty(told);
        Assert.All(told, progress =>
        {
            Assert.Equal(12061, progress.AllFiles);
            Assert.InRange(progress.AllBytes, 60 << 20, 61 << 20);
            Assert.InRange(progress.Percent!.Value, 0, 100);
            Assert.True(progress.Files <= progress.AllFiles && progress.Bytes <= progress.AllBytes);
        });
        Assert.Equal(told.OrderBy(progress => progress.Files), told);
    });
}
