using Cage.Engine.Store;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>Cages on btrfs: each its own subvolume, which goes with all that is nested in it.</summary>
public sealed class SubvolumeTests(SmallRoot root) : IClassFixture<SmallRoot>
{
    private static bool IsSubvolume(string path)
    {
        using Descriptor folder = Files.Open(path, Files.O_RDONLY | Files.O_DIRECTORY);
        return Subvolumes.Is(folder);
    }

    [DiskFact("btrfs")]
    public void A_writable_cage_is_a_subvolume_with_plain_folders_in_it() => SnapshotBench.Run("btrfs", bench =>
    {
        bench.FillSource(root);
        CageRecord layer = bench.Test.NewLayer("layer"), web = bench.Test.NewCage(root, CageIsolation.Chroot);
        Assert.True(IsSubvolume(web.Path));
        Assert.Equal(0x41edu, Files.Status(web.Path)!.Value.Mode);
        Assert.False(IsSubvolume(layer.Path));
        foreach (string path in new[] { web.RootPath, web.WorkPath, web.MountPath }) Assert.False(IsSubvolume(path));
        Assert.Equal(Files.Status(web.RootPath)!.Value.Device, Files.Status(web.WorkPath)!.Value.Device);
        // Between two subvolumes the first change of a lower file would be EXDEV.
        using (RunningCage cage = bench.Test.Start(web)) bench.Test.Sh(cage.Info, "echo more >>/etc/base");
        Assert.Equal("small\nmore\n", File.ReadAllText($"{web.RootPath}/etc/base"));
        Assert.Equal(CageKind.ReadOnly, bench.Test.Engine.Publish(web).Kind);
        bench.Test.Engine.Remove(bench.Test.Store.Get(web.Id)!);
        Assert.False(Directory.Exists(bench.Test.Store.PathOf(web.Id, CageKind.ReadOnly)));
    });

    [DiskFact("btrfs")]
    public void Work_in_another_subvolume_than_root_is_refused_before_it_is_EXDEV() => SnapshotBench.Run("btrfs", bench =>
    {
        CageRecord web = bench.Test.NewCage(root, CageIsolation.Chroot);
        Directory.Delete(web.WorkPath);
        SnapshotBench.Subvolume(web.WorkPath);
        CageException e = Assert.Throws<CageException>(() => bench.Test.Engine.Start(web));
        Assert.Equal(CageError.CageStartFailed, e.Error);
        Assert.Contains("EXDEV", e.Message);
        bench.Test.Engine.Remove(web);
        Assert.Empty(Directory.GetDirectories(bench.Test.Settings.Data, ".*"));
    });

    [DiskFact("btrfs")]
    public void It_goes_with_the_subvolumes_in_it_read_only_ones_too() => SnapshotBench.Run("btrfs", bench =>
    {
        CageRecord web = bench.Test.NewCage(root, CageIsolation.Chroot);
        using (bench.Test.Start(web))
        {
            // In the upper of the running cage, from the host, and by names that are no text.
            Shell.Run(
                """
                cd "$upper"; mkdir -p etc plain/deeper
                for name in one one/two one/two/three plain/deeper/four $'odd\xff\n' $'odd\xff\n/in'; do btrfs -q subvolume create "$name"; echo x >"$name/file"; done
                btrfs -q subvolume snapshot -r one plain/snap; btrfs property set -ts one/two ro true; btrfs property set -ts $'odd\xff\n' ro true; btrfs property set -ts one ro true
                """,
                ("upper", web.RootPath));
        }
        bench.Test.Engine.Remove(web);
        Assert.False(Directory.Exists(web.Path));
        Assert.DoesNotContain(SnapshotBench.Entries(bench.Test.Settings.Data), name => name.StartsWith('.'));
    });

    [DiskTheory("btrfs")]
    [InlineData("mkdir a a/b; btrfs -q subvolume create a/b/sub; mkdir a/b/sub/x; echo >a/b/sub/x/file; echo >a/after", "a subvolume in the middle")]
    [InlineData("btrfs -q subvolume create s; for i in {1..300}; do btrfs -q subvolume create s/$i; done", "more than one call lists")]
    [InlineData("btrfs -q subvolume create s; btrfs -q subvolume create s/t; btrfs property set -ts s ro true; mkdir a; btrfs -q subvolume snapshot -r s/t a/ro", "read-only ones")]
    [InlineData("p=.; n=$(head -c 250 /dev/zero | tr '\\0' n); for i in {1..20}; do mkdir $n; cd $n; done; btrfs -q subvolume create s; mkdir s/in; btrfs -q subvolume create s/in/t; echo >s/in/t/file", "deeper than a path")]
    [InlineData("btrfs -q subvolume create s; cd s; n=$(head -c 250 /dev/zero | tr '\\0' n); for i in {1..20}; do mkdir $n; cd $n; done; btrfs -q subvolume create t; echo >t/file", "deeper than a path in a subvolume")]
    [InlineData("for i in {1..200}; do btrfs -q subvolume create s; cd s; done; echo >file", "in each other")]
    public void A_tree_goes_with_its_subvolumes(string script, string what) => SnapshotBench.Run("btrfs", bench =>
    {
        string tree = Directory.CreateDirectory($"{bench.Disk}/tree").FullName;
        Shell.Run($"cd \"$tree\"; {script}", ("tree", tree));
        TreeRemoval.Remove(tree);
        Assert.True(Files.Status(tree) is null, what);
        Assert.Equal(["source", "store"], SnapshotBench.Entries(bench.Disk));
    });

    [DiskFact("btrfs")]
    public void A_copy_of_what_holds_the_store_does_not_copy_itself() => SnapshotBench.Run("btrfs", bench =>
    {
        using TestStore inner = new(Directory.CreateDirectory($"{bench.Source}/var").FullName);
        File.WriteAllText($"{bench.Source}/file", "copied");
        inner.NewLayer("first");
        CageRecord copy = inner.Create(new NewCage { Name = "copy", Kind = CageKind.ReadOnly, Source = bench.Source, SourceMode = SourceMode.Copy }).Record;
        Assert.Equal("copied", File.ReadAllText($"{copy.RootPath}/file"));
        Assert.Empty(SnapshotBench.Entries($"{copy.RootPath}/var/data"));
        Assert.Equal(CageError.CageArgumentInvalid, Assert.Throws<CageException>(() => inner.Create(
            new NewCage { Name = "store", Kind = CageKind.ReadOnly, Source = inner.Settings.Data, SourceMode = SourceMode.Copy })).Error);
    });
}
