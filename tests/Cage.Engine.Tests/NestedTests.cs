using Cage.Engine.Snapshots;
using Cage.Engine.Store;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>What is nested in a source: other file systems, subvolumes, the store itself. Nothing is crossed, and nothing is left out in silence.</summary>
public sealed class NestedTests
{
    private static void MakeMount(SnapshotBench bench, string path, string type = "tmpfs")
    {
        Disk.Mount(type, Directory.CreateDirectory($"{bench.Source}/{path}").FullName, type == "tmpfs" ? 16 : 320);
        File.WriteAllText($"{bench.Source}/{path}/inner", "of the mount");
    }

    private static NewSnapshot Request(SnapshotBench bench, SnapshotProvider? provider, params (string Path, NestedDecision Decision)[] nested) => new()
    {
        Source = bench.Source,
        Provider = provider,
        Nested = nested.ToDictionary(tree => $"{bench.Source}/{tree.Path}", tree => tree.Decision),
    };

    [DiskTheory]
    [InlineData("btrfs", SnapshotProvider.Btrfs)]
    [InlineData("btrfs", SnapshotProvider.Reflink)]
    [InlineData("btrfs", SnapshotProvider.Copy)]
    [InlineData("xfs", SnapshotProvider.Reflink)]
    [InlineData("ext4", SnapshotProvider.Copy)]
    public void A_mount_is_empty_and_told_or_as_was_decided(string type, SnapshotProvider provider) => SnapshotBench.Run(type, bench =>
    {
        foreach (string name in new[] { "told", "meant", "away", "along", "deep/inside" }) MakeMount(bench, name);
        OddTree.Make(Directory.CreateDirectory($"{bench.Source}/along/tree").FullName);
        var along = TreeImage.Of($"{bench.Source}/along");
        Shell.Run("mkdir \"$at\"; mount -t proc proc \"$at\"", ("at", $"{bench.Source}/proc"));
        CageSnapshot snapshot = bench.Take(Request(bench, provider, ("meant", NestedDecision.Empty), ("away", NestedDecision.Skip), ("along", NestedDecision.Snapshot)));
        string warning = Assert.Single(bench.Warnings);
        Assert.Contains($"{bench.Source}/told (tmpfs)", warning);
        Assert.Contains($"{bench.Source}/deep/inside (tmpfs)", warning);
        foreach (string name in new[] { "meant", "away", "along", "proc" }) Assert.DoesNotContain($"{bench.Source}/{name}", warning);
        Assert.Equal(
            ["along Snapshot tmpfs", "away Skip tmpfs", "deep/inside Empty tmpfs", "meant Empty tmpfs", "proc Empty proc", "told Empty tmpfs"],
            snapshot.Nested.Select(tree => $"{Path.GetRelativePath(bench.Source, tree.Path)} {tree.Decision} {tree.FileSystem}"));
        Assert.All(snapshot.Nested, tree => Assert.Equal(NestedKind.Mount, tree.Kind));
        Assert.Equal(["along", "deep", "meant", "proc", "told"], SnapshotBench.Entries(snapshot.Path));
        foreach (string name in new[] { "meant", "told", "deep/inside", "proc" }) Assert.Empty(SnapshotBench.Entries($"{snapshot.Path}/{name}"));
        TreeImage.AssertSame(along, $"{snapshot.Path}/along");
        Assert.True(File.Exists($"{bench.Source}/told/inner"));
    });

    [DiskTheory]
    [InlineData(SnapshotProvider.Btrfs)]
    [InlineData(SnapshotProvider.Reflink)]
    [InlineData(SnapshotProvider.Copy)]
    public void A_subvolume_is_empty_and_told_or_as_was_decided(SnapshotProvider provider) => SnapshotBench.Run("btrfs", bench =>
    {
        foreach (string name in new[] { "told", "meant", "away", "along", "along/more", "folder/deep", "told/hidden" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName($"{bench.Source}/{name}")!);
            SnapshotBench.Subvolume($"{bench.Source}/{name}");
            File.WriteAllText($"{bench.Source}/{name}/inner", name);
        }
        OddTree.Make(Directory.CreateDirectory($"{bench.Source}/along/tree").FullName);
        var along = TreeImage.Of($"{bench.Source}/along");
        Shell.Run("touch -d 2001-02-03 \"$top\" \"$top\"/folder", ("top", bench.Source));
        CageSnapshot snapshot = bench.Take(Request(
            bench, provider, ("meant", NestedDecision.Empty), ("away", NestedDecision.Skip), ("along", NestedDecision.Snapshot), ("along/more", NestedDecision.Snapshot), ("folder/deep", NestedDecision.Snapshot)));
        string warning = Assert.Single(bench.Warnings);
        Assert.Contains($"{bench.Source}/told (subvolume)", warning);
        // What lies in one that is told of is not told again.
        foreach (string name in new[] { "meant", "away", "along", "told/hidden", "folder" }) Assert.DoesNotContain($"{bench.Source}/{name}", warning);
        Assert.Equal(7, snapshot.Nested.Count);
        Assert.All(snapshot.Nested, tree => Assert.Equal((NestedKind.Subvolume, "btrfs"), (tree.Kind, tree.FileSystem)));
        Assert.Equal(["along", "folder", "meant", "told"], SnapshotBench.Entries(snapshot.Path));
        Assert.Empty(SnapshotBench.Entries($"{snapshot.Path}/told"));
        Assert.Empty(SnapshotBench.Entries($"{snapshot.Path}/meant"));
        Assert.Equal("folder/deep", File.ReadAllText($"{snapshot.Path}/folder/deep/inner"));
        TreeImage.AssertSame(along, $"{snapshot.Path}/along");
        foreach (string name in new[] { "", "folder" })
            Assert.Equal(new DateTime(2001, 2, 3), Directory.GetLastWriteTime($"{snapshot.Path}/{name}"));
        if (provider == SnapshotProvider.Btrfs)
            foreach (string name in new[] { "", "along", "along/more", "folder/deep" })
            {
                using Descriptor folder = Files.Open($"{snapshot.Path}/{name}", Files.O_RDONLY | Files.O_DIRECTORY);
                Assert.True(Subvolumes.Is(folder) && Subvolumes.IsReadOnly(folder), name);
            }
        bench.Test.Engine.RemoveSnapshot(snapshot);
        bench.AssertNothing();
        TreeImage.AssertSame(along, $"{bench.Source}/along");
    });

    [DiskFact("btrfs")]
    public void A_subvolume_that_is_mounted_comes_as_a_snapshot_and_what_is_nested_in_it_is_told() => SnapshotBench.Run("btrfs", bench =>
    {
        SnapshotBench.Subvolume($"{bench.Disk}/home");
        SnapshotBench.Subvolume($"{bench.Disk}/home/cache");
        File.WriteAllText($"{bench.Disk}/home/file", "home");
        string at = Directory.CreateDirectory($"{bench.Source}/home").FullName;
        File.WriteAllText($"{at}/underneath", "");
        Shell.Run("mount --bind \"$from\" \"$at\"", ("from", $"{bench.Disk}/home"), ("at", at));
        CageSnapshot snapshot = bench.Take(Request(bench, null, ("home", NestedDecision.Snapshot)));
        Assert.Equal(SnapshotProvider.Btrfs, snapshot.Provider);
        Assert.Equal(["cache", "file"], SnapshotBench.Entries($"{snapshot.Path}/home"));
        using Descriptor home = Files.Open($"{snapshot.Path}/home", Files.O_RDONLY | Files.O_DIRECTORY);
        Assert.True(Subvolumes.Is(home) && Subvolumes.IsReadOnly(home));
        Assert.Contains($"{at}/cache (subvolume)", Assert.Single(bench.Warnings));
    });

    /// <summary>What a mount covers is no part of it.</summary>
    [DiskTheory]
    [InlineData("btrfs", SnapshotProvider.Btrfs)]
    [InlineData("xfs", SnapshotProvider.Reflink)]
    [InlineData("ext4", SnapshotProvider.Copy)]
    public void What_a_mount_covers_is_there_where_it_stays_out_and_not_where_it_comes_along(string type, SnapshotProvider provider) => SnapshotBench.Run(type, bench =>
    {
        Shell.Run("cd \"$top\"; for d in out along; do mkdir $d; echo covered >$d/inner; echo covered >$d/beneath; done", ("top", bench.Source));
        foreach (string name in new[] { "out", "along" }) MakeMount(bench, name);
        CageSnapshot snapshot = bench.Take(Request(bench, provider, ("along", NestedDecision.Snapshot)));
        Assert.Equal(["beneath", "inner"], SnapshotBench.Entries($"{snapshot.Path}/out"));
        Assert.Equal("covered\n", File.ReadAllText($"{snapshot.Path}/out/inner"));
        Assert.Equal(["inner"], SnapshotBench.Entries($"{snapshot.Path}/along"));
        Assert.Equal("of the mount", File.ReadAllText($"{snapshot.Path}/along/inner"));
        bench.Test.Engine.RemoveSnapshot(snapshot);
        bench.AssertNothing();
    });

    [DiskTheory]
    [InlineData("btrfs", SnapshotProvider.Btrfs)]
    [InlineData("ext4", SnapshotProvider.Copy)]
    public void Subvolumes_in_a_mount_that_is_copied_are_as_was_decided(string type, SnapshotProvider provider) => SnapshotBench.Run(type, bench =>
    {
        MakeMount(bench, "var", "btrfs");
        foreach (string name in new[] { "told", "away", "along", "along/inside" })
        {
            SnapshotBench.Subvolume($"{bench.Source}/var/{name}");
            File.WriteAllText($"{bench.Source}/var/{name}/file", name);
        }
        CageSnapshot snapshot = bench.Take(Request(
            bench, provider, ("var", NestedDecision.Snapshot), ("var/away", NestedDecision.Skip), ("var/along", NestedDecision.Snapshot)));
        string warning = Assert.Single(bench.Warnings);
        Assert.Contains($"{bench.Source}/var/told (subvolume)", warning);
        Assert.Contains($"{bench.Source}/var/along/inside (subvolume)", warning);
        Assert.Equal(["along", "inner", "told"], SnapshotBench.Entries($"{snapshot.Path}/var"));
        Assert.Empty(SnapshotBench.Entries($"{snapshot.Path}/var/told"));
        Assert.Equal(["file", "inside"], SnapshotBench.Entries($"{snapshot.Path}/var/along"));
        Assert.Empty(SnapshotBench.Entries($"{snapshot.Path}/var/along/inside"));
    });

    /// <summary>Each would fit, and all of them do not.</summary>
    [DiskTheory]
    [InlineData("btrfs", SnapshotProvider.Btrfs, 30)]
    [InlineData("xfs", SnapshotProvider.Reflink, 30)]
    [InlineData("ext4", SnapshotProvider.Copy, 40)]
    public void Copies_that_do_not_fit_together_are_refused_before_any_is_made(string type, SnapshotProvider provider, int mebibytes) => SnapshotBench.Run(type, bench =>
    {
        foreach (string name in new[] { "one", "two" })
        {
            MakeMount(bench, name);
            Shell.Run("head -c 15M /dev/zero >\"$at\"/large", ("at", $"{bench.Source}/{name}"));
        }
        Shell.Run("head -c 10M /dev/zero >\"$top\"/large; sync -f \"$top\"", ("top", bench.Source));
        using Descriptor disk = Files.Open(bench.Disk, Files.O_RDONLY | Files.O_DIRECTORY);
        Shell.Run($"head -c $((free - {(mebibytes - 8) << 20})) /dev/zero >\"$disk\"/ballast; sync -f \"$disk\"", ("disk", bench.Disk), ("free", $"{Files.Space(disk).Bytes}"));
        int told = 0;
        CageException e = Assert.Throws<CageException>(
            () => bench.Take(Request(bench, provider, ("one", NestedDecision.Snapshot), ("two", NestedDecision.Snapshot)), progress: _ => told++));
        Assert.Equal(CageError.CageSnapshotFailed, e.Error);
        Assert.Contains("ENOSPC", e.Message);
        Assert.Contains($"takes {mebibytes} MiB in ", e.Message);
        Assert.Contains($"{bench.Source}/one, {bench.Source}/two", e.Message);
        Assert.Equal(0, told);
        bench.AssertNothing();
        CageSnapshot snapshot = bench.Take(Request(bench, provider, ("one", NestedDecision.Snapshot)));
        Assert.Equal(15 << 20, new FileInfo($"{snapshot.Path}/one/large").Length);
    });

    /// <summary>What shares its blocks takes no space.</summary>
    [DiskFact("xfs")]
    public void A_mount_of_the_same_file_system_is_shared_not_copied() => SnapshotBench.Run("xfs", bench =>
    {
        Shell.Run("cd \"$disk\"; mkdir other \"$top\"/other; head -c 10M /dev/urandom >other/large; mount --bind other \"$top\"/other; sync -f .", ("disk", bench.Disk), ("top", bench.Source));
        using Descriptor disk = Files.Open(bench.Disk, Files.O_RDONLY | Files.O_DIRECTORY);
        Shell.Run("head -c $((free - 8000000)) /dev/zero >\"$disk\"/ballast; sync -f \"$disk\"", ("disk", bench.Disk), ("free", $"{Files.Space(disk).Bytes}"));
        CageSnapshot snapshot = bench.Take(Request(bench, null, ("other", NestedDecision.Snapshot)));
        Assert.Equal(SnapshotProvider.Reflink, snapshot.Provider);
        Assert.Equal(File.ReadAllBytes($"{bench.Disk}/other/large"), File.ReadAllBytes($"{snapshot.Path}/other/large"));
    });

    [DiskTheory("btrfs")]
    [InlineData("none", NestedDecision.Snapshot, "neither")]
    [InlineData("plain", NestedDecision.Skip, "neither")]
    [InlineData("proc", NestedDecision.Snapshot, "kernel's own")]
    [InlineData("outer/more", NestedDecision.Snapshot, "lies in")]
    [InlineData("bound", NestedDecision.Snapshot, "is a file")]
    public void A_decision_about_what_it_cannot_be_about_is_refused(string path, NestedDecision decision, string word) => SnapshotBench.Run("btrfs", bench =>
    {
        Directory.CreateDirectory($"{bench.Source}/plain");
        MakeMount(bench, "outer");
        MakeMount(bench, "outer/more");
        Shell.Run("cd \"$top\"; mkdir proc; mount -t proc proc proc; echo >bound; mount --bind /etc/passwd bound", ("top", bench.Source));
        foreach (SnapshotProvider provider in new[] { SnapshotProvider.Btrfs, SnapshotProvider.Copy })
        {
            CageException e = bench.Refused(Request(bench, provider, (path, decision)));
            Assert.Equal(CageError.CageArgumentInvalid, e.Error);
            Assert.Contains($"{bench.Source}/{path}", e.Message);
            Assert.Contains(word, e.Message);
        }
    });

    [DiskTheory]
    [InlineData("btrfs", SnapshotProvider.Btrfs)]
    [InlineData("btrfs", SnapshotProvider.Reflink)]
    [InlineData("ext4", SnapshotProvider.Copy)]
    public void The_store_and_the_snapshots_in_the_source_stay_out(string type, SnapshotProvider provider) => SnapshotBench.Run(type, bench =>
    {
        string folder = Directory.CreateDirectory($"{bench.Source}/var").FullName;
        using TestStore inner = new(folder);
        CageRecord cage = inner.Create(new NewCage { Name = "web" }).Record;
        File.WriteAllText($"{cage.RootPath}/file", "of a cage");
        File.WriteAllText($"{folder}/beside", "kept");
        Shell.Run("mount -t tmpfs x \"$at\"", ("at", cage.MountPath));
        List<string> warnings = [];
        for (int i = 0; i < 3; i++)
        {
            CageSnapshot snapshot = inner.Engine.TakeSnapshot(new NewSnapshot { Source = bench.Source, Provider = provider }, warnings.Add);
            Assert.Equal("kept", File.ReadAllText($"{snapshot.Path}/var/beside"));
            if (provider == SnapshotProvider.Btrfs) Assert.All(Directory.GetDirectories($"{snapshot.Path}/var/snapshots"), path => Assert.Empty(SnapshotBench.Entries(path)));
            else Assert.All(["data", "snapshots"], name => Assert.Empty(SnapshotBench.Entries($"{snapshot.Path}/var/{name}")));
            Assert.Empty(snapshot.Nested);
        }
        Assert.Empty(warnings);
        Mounts.Unmount(cage.MountPath);
        foreach (CageSnapshot snapshot in inner.Engine.Snapshots()) inner.Engine.RemoveSnapshot(snapshot);
    });

    /// <summary>/var of a host is often a file system of its own, and the store lies in it.</summary>
    [DiskTheory]
    [InlineData("btrfs")]
    [InlineData("ext4")]
    public void A_mount_that_holds_the_store_can_come_along_without_it(string type) => SnapshotBench.Run(type, bench =>
    {
        MakeMount(bench, "var", type);
        using TestStore inner = new(Directory.CreateDirectory($"{bench.Source}/var/store").FullName);
        File.WriteAllText($"{inner.Create(new NewCage { Name = "web" }).Record.RootPath}/file", "of a cage");
        CageEngine engine = new(inner.Settings with { Snapshots = $"{bench.Disk}/snapshots" }, inner.Stage);
        CageSnapshot snapshot = engine.TakeSnapshot(Request(bench, null, ("var", NestedDecision.Snapshot)));
        Assert.Equal("of the mount", File.ReadAllText($"{snapshot.Path}/var/inner"));
        Assert.Empty(SnapshotBench.Entries($"{snapshot.Path}/var/store/data"));
        CageException e = Assert.Throws<CageException>(() => engine.TakeSnapshot(Request(bench, null, ("var", NestedDecision.Skip))));
        Assert.Equal(CageError.CageArgumentInvalid, e.Error);
        engine.RemoveSnapshot(snapshot);
    });

    [DiskTheory]
    [InlineData("xfs", SnapshotProvider.Reflink)]
    [InlineData("ext4", SnapshotProvider.Copy)]
    public void What_is_excluded_is_left_out(string type, SnapshotProvider provider) => SnapshotBench.Run(type, bench =>
    {
        Shell.Run(
            "cd \"$top\"; mkdir -p var/cache/apt home/a home/b tmp; echo 1 >var/cache/apt/x; echo 1 >home/a/core; echo 1 >home/b/core; echo 1 >home/b/kept; echo 1 >tmp/x; ln -s x tmp/l; ln home/b/kept tmp/same; ln home/b/kept home/a/same",
            ("top", bench.Source));
        MakeMount(bench, "mounted");
        CageSnapshot snapshot = bench.Take(new NewSnapshot
        {
            Source = bench.Source, Provider = provider, Exclude = [$"{bench.Source}/var/cache/", $"{bench.Source}/tmp/*", "*/core", $"{bench.Source}/mounted"],
        });
        Assert.Equal(".;home;home/a;home/a/same;home/b;home/b/kept;tmp;var", Shell.Run("cd \"$top\"; find . | sed 's:^./::' | sort | paste -sd ';'", ("top", snapshot.Path)).Trim());
        Assert.Equal(2u, Files.Status($"{snapshot.Path}/home/a/same")!.Value.Links);
        Assert.Empty(bench.Warnings);
        bench.Test.Engine.RemoveSnapshot(snapshot);
        Assert.Equal(CageError.CageArgumentInvalid, bench.Refused(new NewSnapshot { Source = bench.Source, Exclude = ["var/cache"] }).Error);
        MakeMount(bench, "home/c");
        CageException e = bench.Refused(Request(bench, provider, ("home/c", NestedDecision.Snapshot)) with { Exclude = [$"{bench.Source}/home"] });
        Assert.Contains("both", e.Message);
    });
}
