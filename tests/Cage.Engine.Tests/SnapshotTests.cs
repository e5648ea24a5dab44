using Cage.Engine.Snapshots;
using Cage.Engine.Store;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>What a snapshot is, by every provider on every file system.</summary>
public sealed class SnapshotTests
{
    [DiskTheory]
    [InlineData("btrfs", null, SnapshotProvider.Btrfs)]
    [InlineData("btrfs", SnapshotProvider.Reflink, SnapshotProvider.Reflink)]
    [InlineData("btrfs", SnapshotProvider.Copy, SnapshotProvider.Copy)]
    [InlineData("xfs", null, SnapshotProvider.Reflink)]
    [InlineData("xfs", SnapshotProvider.Copy, SnapshotProvider.Copy)]
    [InlineData("ext4", null, SnapshotProvider.Copy)]
    public void It_is_the_source_entry_by_entry_and_stays_so(string type, SnapshotProvider? asked, SnapshotProvider expected) => SnapshotBench.Run(type, bench =>
    {
        OddTree.Make(bench.Source);
        var before = TreeImage.Of(bench.Source);
        CageSnapshot snapshot = bench.Take(asked);
        Assert.Empty(bench.Warnings);
        Assert.Equal(expected, snapshot.Provider);
        TreeImage.AssertSame(before, snapshot.Path);
        TreeImage.AssertSame(before, bench.Source);
        Assert.Equal([$"{snapshot.Name}.ss", $"{snapshot.Name}.txt"], SnapshotBench.Entries(bench.Folder));

        Shell.Run("cd \"$source\"; echo changed >plain/file; chmod 600 plain/long; mv plain renamed; rm -r links; echo x >>sparse/end", ("source", bench.Source));
        TreeImage.AssertSame(before, snapshot.Path);
        bench.Test.Engine.RemoveSnapshot(snapshot);
        bench.AssertNothing();
    });

    /// <summary>100,000 entries: 80,000 files, 9,000 links, 10,000 second names, 1,000 folders.</summary>
    [DiskFact("xfs")]
    public void A_large_tree_is_the_same_by_reflink_and_by_copy() => SnapshotBench.Run(
        "xfs",
        bench =>
        {
            using (Descriptor top = Files.Open(bench.Source, Files.O_RDONLY | Files.O_DIRECTORY))
                for (int i = 0; i < 1000; i++)
                {
                    Files.MakeDirectoryAt(top, $"d{i}", 0x1ed);
                    using Descriptor folder = Files.OpenAt(top, $"d{i}", Files.O_RDONLY | Files.O_DIRECTORY);
                    for (int k = 0; k < 80; k++)
                        using (Descriptor file = Files.OpenAt(folder, $"f{k}", Files.O_WRONLY | Files.O_CREAT, 0x1a4))
                            if (k % 4 == 0) Files.Write(file, System.Text.Encoding.ASCII.GetBytes($"file {i}/{k}"));
                    for (int k = 0; k < 9; k++) Files.MakeLinkAt(folder, $"l{k}", $"../d{k}/f{i % 80}");
                    for (int k = 0; k < 10; k++) Entries.Link(folder, [(byte)'f', (byte)('0' + k), 0], k < 5 || i == 0 ? folder : top, System.Text.Encoding.ASCII.GetBytes($"h{i}-{k}\0"));
                }
            var before = TreeImage.Of(bench.Source);
            Assert.Equal(100_001, before.Count);
            foreach (SnapshotProvider provider in new[] { SnapshotProvider.Reflink, SnapshotProvider.Copy }) TreeImage.AssertSame(before, bench.Take(provider).Path);
        },
        mebibytes: 2000);

    [DiskFact("btrfs")]
    public void One_by_btrfs_is_a_read_only_subvolume() => SnapshotBench.Run("btrfs", bench =>
    {
        File.WriteAllText($"{bench.Source}/file", "kept");
        CageSnapshot snapshot = bench.Take();
        using (Descriptor folder = Files.Open(snapshot.Path, Files.O_RDONLY | Files.O_DIRECTORY))
        {
            Assert.True(Subvolumes.Is(folder));
            Assert.True(Subvolumes.IsReadOnly(folder));
        }
        Assert.Contains("Read-only", Assert.Throws<IOException>(() => File.WriteAllText($"{snapshot.Path}/file", "")).Message);
        Assert.Equal("kept", File.ReadAllText($"{snapshot.Path}/file"));
    });

    /// <summary>A host that is btrfs and whose snapshots lie on another one, or on none, is copied; a folder that is no subvolume's root is shared.</summary>
    [DiskFact]
    public void The_best_that_goes_is_chosen() => SnapshotBench.Run("btrfs", bench =>
    {
        Assert.Equal(SnapshotProvider.Reflink, bench.Take(new NewSnapshot { Source = Directory.CreateDirectory($"{bench.Source}/plain").FullName }).Provider);
        Assert.Equal(SnapshotProvider.Reflink, bench.Take(new NewSnapshot { Source = bench.Source, Exclude = ["/nothing"] }).Provider);
        foreach (string type in Disk.Types)
        {
            string other = Directory.CreateDirectory($"{bench.Disk}/other-{type}").FullName;
            Disk.Mount(type, other);
            Assert.Equal(SnapshotProvider.Copy, bench.Take(new NewSnapshot { Source = other }).Provider);
        }
    });

    [DiskTheory]
    [InlineData("btrfs", "plain", SnapshotProvider.Btrfs, "EINVAL", "subvolume")]
    [InlineData("xfs", "", SnapshotProvider.Btrfs, "ENOTTY", "subvolume")]
    [InlineData("ext4", "", SnapshotProvider.Btrfs, "ENOTTY", "subvolume")]
    [InlineData("ext4", "", SnapshotProvider.Reflink, "EOPNOTSUPP", "copy needs no such thing")]
    [InlineData("btrfs", "other", SnapshotProvider.Btrfs, "EXDEV", "copy needs no such thing")]
    [InlineData("xfs", "other", SnapshotProvider.Reflink, "EXDEV", "copy needs no such thing")]
    public void A_provider_that_cannot_says_why_and_what_can(string type, string below, SnapshotProvider provider, string errno, string advice) => SnapshotBench.Run(type, bench =>
    {
        string source = Directory.CreateDirectory($"{bench.Source}/{below}").FullName;
        if (below == "other") Disk.Mount(type, source);
        File.WriteAllText($"{source}/file", "content");
        CageException e = bench.Refused(new NewSnapshot { Source = source, Provider = provider });
        Assert.Equal(CageError.CageSnapshotFailed, e.Error);
        Assert.Contains(errno, e.Message);
        Assert.Contains(source.TrimEnd('/'), e.Message);
        Assert.Contains(advice, e.Advice);
    });

    [DiskFact("btrfs")]
    public void What_cannot_be_a_source_is_refused() => SnapshotBench.Run("btrfs", bench =>
    {
        File.WriteAllText($"{bench.Disk}/file", "");
        Directory.CreateDirectory(bench.Folder);
        foreach (var (source, word) in new[] { ($"{bench.Disk}/none", "ENOENT"), ($"{bench.Disk}/file", "ENOTDIR"), (bench.Folder, "snapshots") })
        {
            CageException e = bench.Refused(new NewSnapshot { Source = source });
            Assert.Equal(CageError.CageArgumentInvalid, e.Error);
            Assert.Contains(source, e.Message);
            Assert.Contains(word, e.Message);
        }
        bench.Test.NewLayer("base");
        Assert.Contains("cages", Assert.Throws<CageException>(() => bench.Take(new NewSnapshot { Source = bench.Test.Settings.Data, Provider = SnapshotProvider.Copy })).Message);
        Assert.Single(SnapshotBench.Entries(bench.Test.Settings.Data));
    });

    [DiskTheory]
    [InlineData("btrfs", SnapshotProvider.Btrfs)]
    [InlineData("btrfs", SnapshotProvider.Reflink)]
    [InlineData("ext4", SnapshotProvider.Copy)]
    public void A_folder_that_cannot_be_written_is_named_with_what_to_do(string type, SnapshotProvider provider) => SnapshotBench.Run(type, bench =>
    {
        Directory.CreateDirectory(bench.Folder);
        Shell.Run("mount --bind \"$at\" \"$at\"; mount -o remount,bind,ro \"$at\"", ("at", bench.Folder));
        CageException e = bench.Refused(new NewSnapshot { Source = bench.Source, Provider = provider });
        // Lazily: a process that another test is just starting may have what was open there for a moment more.
        Shell.Run("umount -l \"$at\"", ("at", bench.Folder));
        Assert.Equal(CageError.CageSnapshotFailed, e.Error);
        Assert.Contains("EROFS", e.Message);
        Assert.Contains("snapshots=", e.Advice);
    });

    [DiskFact("ext4")]
    public void A_folder_whose_own_folder_is_missing_is_named() => SnapshotBench.Run("ext4", bench =>
    {
        CageEngine engine = new(bench.Test.Settings with { Snapshots = $"{bench.Disk}/no/snapshots" }, bench.Test.Stage);
        CageException e = Assert.Throws<CageException>(() => engine.TakeSnapshot(new NewSnapshot { Source = bench.Source }));
        Assert.Equal(CageError.CageSnapshotFailed, e.Error);
        Assert.Contains($"{bench.Disk}/no/snapshots", e.Message);
        Assert.Contains("ENOENT", e.Message);
        Assert.Empty(engine.Snapshots());
    });

    [DiskFact("ext4")]
    public void The_folder_is_made_for_root_alone() => SnapshotBench.Run("ext4", bench =>
    {
        Assert.Empty(bench.Test.Engine.Snapshots());
        Assert.False(Directory.Exists(bench.Folder));
        bench.Take();
        Assert.Equal(0x41c0u, Files.Status(bench.Folder)!.Value.Mode);
    });

    [DiskFact("btrfs")]
    public void Live_is_a_link_and_says_what_overlayfs_promises_then() => SnapshotBench.Run("btrfs", bench =>
    {
        CageSnapshot snapshot = bench.Take(SnapshotProvider.Live);
        Assert.Contains("undefined", Assert.Single(bench.Warnings));
        Assert.Equal(bench.Source, new FileInfo(snapshot.Path).LinkTarget);
        CageRecord cage = bench.Test.Store.Get(snapshot.CageId!.Value)!;
        Assert.True(cage.IsLive);
        CageException e = Assert.Throws<CageException>(() => bench.Take(new NewSnapshot { Source = bench.Source, Provider = SnapshotProvider.Live, Exclude = ["/x"] }));
        Assert.Equal(CageError.CageArgumentInvalid, e.Error);
        File.WriteAllText($"{bench.Source}/file", "kept");
        bench.Test.Engine.RemoveSnapshot(snapshot);
        bench.AssertNothing();
        Assert.Equal("kept", File.ReadAllText($"{bench.Source}/file"));
    });

    [DiskFact("btrfs")]
    public void It_is_a_read_only_cage_with_its_date_and_its_note_beside_it() => SnapshotBench.Run("btrfs", bench =>
    {
        string note = "before the upgrade\nof 日本 # and more";
        CageSnapshot snapshot = bench.Take(new NewSnapshot { Source = $"{bench.Source}/./", Note = note });
        Assert.Matches(@"^\d{14}$", snapshot.Name);
        Assert.InRange(snapshot.CreationTime!.Value, DateTimeOffset.Now.AddMinutes(-1), DateTimeOffset.Now);
        Assert.Equal($"{note}\n", File.ReadAllText($"{bench.Folder}/{snapshot.Name}.txt"));
        CageRecord cage = bench.Test.Store.Get(snapshot.CageId!.Value)!;
        Assert.Equal((CageKind.ReadOnly, $"host_{snapshot.Name}"), (cage.Kind, cage.Name));
        Assert.Equal($"a snapshot of {bench.Source}, {snapshot.CreationTime:yyyy-MM-dd HH:mm:sszzz}", cage.Memo);
        Assert.Equal(snapshot.Path, new FileInfo(cage.RootPath).LinkTarget);
        CageSnapshot listed = Assert.Single(bench.Test.Engine.Snapshots());
        Assert.Equal(
            (snapshot.Name, snapshot.Path, snapshot.Note, snapshot.CageId, snapshot.CreationTime, snapshot.IsUnfinished),
            (listed.Name, listed.Path, listed.Note, listed.CageId, listed.CreationTime, listed.IsUnfinished));
        Assert.Equal((bench.Source, SnapshotProvider.Btrfs, false, false), (listed.Source, listed.Provider, listed.OfHost, listed.IsHost));
        Assert.Null(bench.HostLink);
        Assert.Equal(CageError.CageArgumentInvalid, Assert.Throws<CageException>(() => bench.Take(new NewSnapshot { Source = bench.Source, Note = "a\0b" })).Error);
    });

    [DiskFact("btrfs")]
    public void Those_of_one_second_are_told_apart_and_stay_in_order() => SnapshotBench.Run("btrfs", bench =>
    {
        string[] names = [.. Enumerable.Range(0, 13).Select(_ => bench.Take().Name)];
        Assert.Equal(names.Length, names.Distinct().Count());
        Assert.Contains(names, name => name.EndsWith("-1", StringComparison.Ordinal));
        Assert.Equal(names, bench.Test.Engine.Snapshots().Select(snapshot => snapshot.Name));
        Assert.All(names, name => Assert.Matches(@"^\d{14}(-\d+)?$", name));
        foreach (string name in names) bench.Test.Engine.RemoveSnapshot(bench.Test.Engine.FindSnapshot(name));
        bench.AssertNothing();
    });

    [DiskFact("btrfs")]
    public void One_that_the_seeds_lines_made_is_listed_and_removed() => SnapshotBench.Run("btrfs", bench =>
    {
        Shell.Run(
            """
            mkdir "$to"
            btrfs subvolume snapshot -r "$source" "$to/20170616223103.ss"
            echo the snapshot of the host environment >"$to/20170616223103.txt"
            mkdir "$to/20170616223104.ss"; echo >"$to/20170616223105.ss"; mkdir "$to/20170616223104.txt"; echo >"$to/other"
            """,
            ("source", bench.Source), ("to", bench.Folder));
        CageSnapshot[] listed = [.. bench.Test.Engine.Snapshots()];
        Assert.Equal(["20170616223103", "20170616223104"], listed.Select(snapshot => snapshot.Name));
        Assert.Equal(
            ("the snapshot of the host environment", null, SnapshotProvider.Btrfs, true, null), (listed[0].Note, listed[0].Source, listed[0].Provider, listed[0].OfHost, listed[0].CageId));
        Assert.Equal(new DateTime(2017, 6, 16, 22, 31, 3), listed[0].CreationTime!.Value.LocalDateTime);
        Assert.Equal(CageError.CageSnapshotNotFound, Assert.Throws<CageException>(() => bench.Test.Engine.FindSnapshot("20170616223105")).Error);
        bench.Test.Engine.RemoveSnapshot(listed[0]);
        Assert.Equal(["20170616223104.ss", "20170616223104.txt", "20170616223105.ss", "other"], SnapshotBench.Entries(bench.Folder));
    });
}
