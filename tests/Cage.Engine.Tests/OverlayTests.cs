using Cage.Engine.Layers;
using Cage.Engine.Plans;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>What overlayfs is told, by every way that kernels know, and what is refused before it would be.</summary>
public sealed class OverlayTests
{
    /// <summary>Mounts layers of a tmpfs as the plan's step does, an older kernel's way first, and looks at what the kernel has.</summary>
    private static void Mounted(OverlayWay way, int count, int length, bool pinned, bool writable, Action<string, MountEntry> body) => MountNamespace.Run(folder =>
    {
        string[] lower = [.. Enumerable.Range(0, count).Select(i => $"{folder}/{$"{i}".PadLeft(length, 'l')}")];
        foreach (string layer in lower)
        {
            Directory.CreateDirectory(layer);
            File.WriteAllText($"{layer}/{Path.GetFileName(layer)[^5..].TrimStart('l')}", "");
            File.WriteAllText($"{layer}/top", layer);
        }
        Directory.CreateDirectory($"{lower[^1]}/folder/in");
        foreach (string name in new[] { "upper", "work", "mnt" }) Directory.CreateDirectory($"{folder}/{name}");
        MountOverlay step = new(lower, writable ? $"{folder}/upper" : null, writable ? $"{folder}/work" : null, $"{folder}/mnt", pinned) { First = way };
        using StepContext context = new();
        step.Do(context);
        Assert.Equal(lower[0], File.ReadAllText($"{folder}/mnt/top"));
        Assert.Equal(count + 2, Directory.GetFileSystemEntries($"{folder}/mnt").Length);
        body(folder, MountTable.Read().Single(mount => mount.MountPoint == $"{folder}/mnt"));
        step.Undo(context);
        Assert.DoesNotContain(MountTable.Read(), mount => mount.Type == "overlay" && mount.MountPoint.StartsWith(folder, StringComparison.Ordinal));
    });

    public static TheoryData<int, int> Ways()
    {
        TheoryData<int, int> data = [];
        foreach (int way in Enumerable.Range(0, 3))
            foreach (int count in new[] { 1, 69, 70, 500 }) data.Add(way, count);
        return data;
    }

    [RootTheory]
    [MemberData(nameof(Ways))]
    public void As_many_layers_as_there_can_be_are_mounted_by_every_way(int way, int count) => Mounted((OverlayWay)way, count, 240, pinned: true, writable: true, (folder, mount) =>
    {
        File.WriteAllText($"{folder}/mnt/new", "");
        Assert.True(File.Exists($"{folder}/upper/new"));
        if (way == (int)OverlayWay.Descriptors) Assert.Equal(count, mount.SuperOption("lowerdir+").Count());
    });

    [RootTheory]
    [InlineData(OverlayWay.Descriptors)]
    [InlineData(OverlayWay.Paths)]
    [InlineData(OverlayWay.Page)]
    internal void The_options_are_as_set_and_not_as_the_kernel_was_built(OverlayWay way)
    {
        Mounted(way, 2, 10, pinned: true, writable: true, (folder, mount) =>
        {
            Directory.Move($"{folder}/mnt/folder", $"{folder}/mnt/renamed");
            Assert.True(Directory.Exists($"{folder}/mnt/renamed/in"));
            Assert.Contains("trusted.overlay.redirect", NamesOf($"{folder}/upper", "renamed"));
            // Only what was changed is in the upper, whole: the seed's plain mount reads it.
            File.SetLastWriteTime($"{folder}/mnt/top", DateTime.UnixEpoch);
            Assert.Equal(File.ReadAllText($"{folder}/mnt/top"), File.ReadAllText($"{folder}/upper/top"));
            Assert.Equal("on", mount.SuperOption("redirect_dir").SingleOrDefault());
            AssertOff(mount, folder);
        });
        Mounted(way, 2, 10, pinned: false, writable: true, (folder, mount) =>
        {
            Assert.Throws<IOException>(() => Directory.Move($"{folder}/mnt/folder", $"{folder}/mnt/renamed"));
            Assert.Contains(mount.SuperOption("redirect_dir").DefaultIfEmpty("follow").Single(), new[] { "follow" });
            AssertOff(mount, folder);
        });
        Mounted(way, 2, 10, pinned: true, writable: false, (folder, mount) =>
        {
            Assert.Contains("ro", mount.Options.Split(','));
            Assert.Contains("Read-only", Assert.Throws<IOException>(() => File.WriteAllText($"{folder}/mnt/new", "")).Message);
        });

        static void AssertOff(MountEntry mount, string folder)
        {
            foreach (string option in new[] { "index", "metacopy" }) Assert.Contains(mount.SuperOption(option).DefaultIfEmpty("off").Single(), new[] { "off" });
            Assert.Empty(mount.SuperOption("volatile"));
            Assert.False(Directory.Exists($"{folder}/work/index"));
        }
    }

    /// <summary>Whoever looks for what uses a directory finds it there.</summary>
    [RootTheory]
    [InlineData(OverlayWay.Descriptors)]
    [InlineData(OverlayWay.Paths)]
    [InlineData(OverlayWay.Page)]
    internal void The_kernels_table_names_the_directories(OverlayWay way) => Mounted(way, 12, 30, pinned: true, writable: true, (folder, mount) =>
    {
        string[] layers = [.. mount.SuperOption("lowerdir+").Concat(mount.SuperOption("lowerdir").SelectMany(all => all.Split(':')))];
        Assert.Equal(Enumerable.Range(0, 12).Select(i => $"{folder}/{$"{i}".PadLeft(30, 'l')}"), layers);
        Assert.Equal([$"{folder}/upper"], mount.SuperOption("upperdir"));
        Assert.Equal([$"{folder}/work"], mount.SuperOption("workdir"));
    });

    /// <summary>As the host's side does while an init comes up: what is left for that is to attach it.</summary>
    [RootTheory]
    [InlineData(OverlayWay.Descriptors)]
    [InlineData(OverlayWay.Paths)]
    internal void One_that_was_made_beforehand_is_attached(OverlayWay way) => MountNamespace.Run(folder =>
    {
        foreach (string name in new[] { "lower", "upper", "work", "mnt" }) Directory.CreateDirectory($"{folder}/{name}");
        File.WriteAllText($"{folder}/lower/file", "below");
        MountOverlay step = new([$"{folder}/lower"], $"{folder}/upper", $"{folder}/work", $"{folder}/mnt") { First = way };
        Assert.Null(step.Prepare(null));
        Assert.Null((step with { OfHost = true, First = OverlayWay.Page }).Prepare(null));
        (Descriptor made, PortableStep left) = (step with { OfHost = true }).Prepare(null) ?? throw new InvalidOperationException("It was not made.");
        Assert.DoesNotContain(MountTable.Read(), mount => mount.MountPoint == $"{folder}/mnt");
        using StepContext context = new() { Prepared = made };
        left.Do(context);
        Assert.Equal("below", File.ReadAllText($"{folder}/mnt/file"));
        File.WriteAllText($"{folder}/mnt/new", "");
        Assert.True(File.Exists($"{folder}/upper/new"));
        left.Undo(context);
        Assert.DoesNotContain(MountTable.Read(), mount => mount.MountPoint == $"{folder}/mnt");
    });

    /// <summary>Linux 6.5 to 6.12 take no descriptor that was opened with O_PATH (EBADF), as none takes one that is not open: another way is tried.</summary>
    [RootFact]
    public void A_descriptor_that_the_kernel_does_not_take_is_no_error()
    {
        using Descriptor configuration = Mounts.OpenFileSystem("overlay"), none = new(1 << 20);
        Assert.False(Mounts.TrySetDescriptor(configuration, "lowerdir+", none));
        none.SetHandleAsInvalid();
    }

    /// <summary>For a stopped cage that is changed or read: nobody sees it mounted, whatever the kernel can.</summary>
    [RootTheory]
    [InlineData(OverlayWay.Descriptors)]
    [InlineData(OverlayWay.Paths)]
    [InlineData(OverlayWay.Page)]
    internal void One_that_is_attached_nowhere_is_written_to(OverlayWay way) => MountNamespace.Run(folder =>
    {
        foreach (string name in new[] { "lower", "upper", "work", "mnt" }) Directory.CreateDirectory($"{folder}/{name}");
        File.WriteAllText($"{folder}/lower/file", "below");
        string[] before = [.. MountTable.Read().Select(mount => mount.MountPoint)];
        using (Descriptor made = new MountOverlay([$"{folder}/lower"], $"{folder}/upper", $"{folder}/work", $"{folder}/mnt") { First = way }.MakeDetached())
        {
            Assert.Equal(before, MountTable.Read().Select(mount => mount.MountPoint));
            Assert.Equal("below", File.ReadAllText($"{made.ProcPath}/file"));
            File.WriteAllText($"{made.ProcPath}/new", "above");
        }
        Assert.Equal("above", File.ReadAllText($"{folder}/upper/new"));
    });

    private static IReadOnlyList<string> NamesOf(string folder, string name)
    {
        using Descriptor directory = Files.Open(folder, Files.O_RDONLY | Files.O_DIRECTORY);
        return Attributes.Names(directory, [.. PathText.Encode(name), 0]);
    }

    /// <summary>Left away in silence, it would be a read-only mount that says nothing.</summary>
    [RootTheory]
    [InlineData(OverlayWay.Descriptors)]
    [InlineData(OverlayWay.Paths)]
    internal void An_upper_that_overlayfs_refuses_fails_the_mount(OverlayWay way) => MountNamespace.Run(folder =>
    {
        foreach (string name in new[] { "lower", "ro/upper", "ro/work", "mnt" }) Directory.CreateDirectory($"{folder}/{name}");
        Shell.Run("mount --bind \"$at\" \"$at\"; mount -o remount,bind,ro \"$at\"", ("at", $"{folder}/ro"));
        MountOverlay step = new([$"{folder}/lower"], $"{folder}/ro/upper", $"{folder}/ro/work", $"{folder}/mnt") { First = way };
        using StepContext context = new();
        LinuxException e = Assert.Throws<LinuxException>(() => step.Do(context));
        Assert.Contains("upper", e.Message);
        Assert.DoesNotContain(MountTable.Read(), mount => mount.MountPoint == $"{folder}/mnt");
    });

    /// <summary>A store on a tmpfs of the test's own mount namespace.</summary>
    private static void InStore(Action<TestStore, string> body) => MountNamespace.Run(folder =>
    {
        using TestStore test = new(Directory.CreateDirectory($"{folder}/store").FullName);
        body(test, folder);
    });

    private static CageRecord Web(TestStore test, params Guid[] bases) =>
        test.Create(new NewCage { Name = "web", Base = bases.Length > 0 ? bases : [test.NewLayer("base").Id], Isolation = CageIsolation.Chroot }).Record;

    private static void Replace(string path, string target)
    {
        if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
        File.CreateSymbolicLink(path, Directory.CreateDirectory(target).FullName);
    }

    private static CageException Refused(TestStore test, CageRecord record)
    {
        CageException e = Assert.Throws<CageException>(() => test.Engine.Start(record));
        Assert.NotNull(e.Advice);
        test.AssertNothingLeft(record);
        return e;
    }

    [RootFact]
    public void Five_hundred_layers_start_and_one_more_is_refused_also_as_the_cages_own() => InStore((test, _) =>
    {
        Guid[] layers = [.. Enumerable.Range(0, 501).Select(i => test.NewLayer($"l{i}").Id)];
        foreach (Guid layer in layers) File.WriteAllText($"{test.Store.Get(layer)!.RootPath}/{layer}", "");
        CageRecord web = Web(test, layers[..500]);
        using (test.Start(web)) Assert.Equal(500, Directory.GetFiles(web.MountPath, "*-*").Length);
        CageException full = Assert.Throws<CageException>(() => test.Engine.Start(web, new StartOptions { ReadOnly = true }));
        Assert.Equal(CageError.CageStartFailed, full.Error);
        Assert.Contains("500", full.Message);
        test.AssertNothingLeft(web);
        CageRecord over = test.Create(new NewCage { Name = "over", Base = layers, Isolation = CageIsolation.Chroot }).Record;
        Assert.Equal(CageError.CageConfInvalid, Assert.Throws<CageException>(() => test.Engine.Start(over)).Error);
        test.AssertNothingLeft(over);
    });

    /// <summary>Made before its init is there, and shown to it as it is to the host.</summary>
    [CageTheory]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void Five_hundred_layers_are_the_root_of_an_init_too(CageIsolation isolation) => InStore((test, _) =>
    {
        Guid[] layers = [.. Enumerable.Range(0, 500).Select(i => test.NewLayer($"l{i}").Id)];
        foreach (Guid layer in layers) File.WriteAllText($"{test.Store.Get(layer)!.RootPath}/{layer}", "");
        CageRecord web = test.Create(new NewCage { Name = "web", Base = layers, Isolation = isolation }).Record;
        using RunningCage running = test.Start(web);
        Assert.Equal(500, Directory.GetFiles($"/proc/{running.Info.ProcessId}/root", "*-*").Length);
        MountEntry root = MountTable.Read($"/proc/{running.Info.ProcessId}/mountinfo").Single(mount => mount.MountPoint == "/");
        Assert.Equal(layers.Select(layer => test.Store.Get(layer)!.RootPath), root.SuperOption("lowerdir+"));
        // Its own alone: the host's side keeps nothing of it.
        Assert.DoesNotContain(MountTable.Read(), mount => mount.Type == "overlay" && mount.SuperOption("upperdir").Contains(web.RootPath));
        Assert.DoesNotContain(Directory.GetFiles("/proc/self/fd").Select(Files.ReadLink), link => link?.StartsWith(test.Settings.Data, StringComparison.Ordinal) == true);
    });

    [RootFact]
    public void A_root_or_a_work_folder_in_another_cage_is_refused() => InStore((test, _) =>
    {
        CageRecord other = Web(test), web = Web(test);
        Replace(web.RootPath, other.RootPath);
        Assert.Contains("into another cage", Refused(test, web).Message);
        Shell.Run("rm \"$root\"; mkdir \"$root\"; rm -r \"$work\"; ln -s \"$other\" \"$work\"", ("root", web.RootPath), ("work", web.WorkPath), ("other", other.WorkPath));
        Assert.Contains("into another cage", Refused(test, web).Message);
        // Into its own folder is nobody else's business.
        Shell.Run("rm \"$work\"; mkdir \"$work\"", ("work", web.WorkPath));
        Replace(web.RootPath, $"{web.Path}/files");
        Shell.Run("mkdir \"$root\"/{proc,sys,dev,tmp,run}", ("root", web.RootPath));
        using (test.Start(web)) Assert.True(Directory.Exists(web.MountPath));
    });

    [RootFact]
    public void An_upper_outside_that_two_cages_have_is_used_by_one_at_a_time() => InStore((test, folder) =>
    {
        CageRecord[] cages = [Web(test), Web(test)];
        foreach (CageRecord cage in cages)
        {
            Replace(cage.RootPath, $"{folder}/shared/root");
            Replace(cage.WorkPath, $"{folder}/shared/work");
        }
        foreach (var (first, second) in new[] { (cages[0], cages[1]), (cages[1], cages[0]) })
            using (test.Start(first)) Assert.Contains("EBUSY", Refused(test, second).Message);
        // The work folder alone is enough.
        Replace(cages[1].RootPath, $"{folder}/shared/other");
        using (test.Start(cages[0])) Assert.Contains("work folder", Refused(test, cages[1]).Message);
    });

    [RootTheory]
    [InlineData("$root", "$work")]
    [InlineData("$link/root", "$link/work")]
    public void An_overlay_made_by_hand_on_its_upper_is_found(string upper, string work) => InStore((test, folder) =>
    {
        CageRecord web = Web(test);
        Shell.Run(
            $"mkdir \"$folder\"/m \"$folder\"/l; ln -s \"$path\" \"$link\"; mount -t overlay x -o lowerdir=\"$folder\"/l,upperdir=\"{upper}\",workdir=\"{work}\" \"$folder\"/m",
            ("folder", folder), ("path", web.Path), ("link", $"{folder}/link"), ("root", web.RootPath), ("work", web.WorkPath));
        CageException e = Refused(test, web);
        Assert.Contains($"{folder}/m", e.Message);
        Assert.Contains("EBUSY", e.Message);
        // Nor is it read meanwhile.
        e = Assert.Throws<CageException>(() => test.Engine.Start(web, new StartOptions { ReadOnly = true }));
        Assert.Contains($"{folder}/m", e.Message);
        Assert.Contains("undefined", e.Message);
        Mounts.Unmount($"{folder}/m");
        using (test.Start(web)) Assert.NotEmpty(Directory.GetFileSystemEntries(web.MountPath));
    });

    [RootFact]
    public void A_volatile_upper_that_was_not_unmounted_is_refused() => InStore((test, folder) =>
    {
        CageRecord web = Web(test);
        Shell.Run(
            "mkdir \"$folder\"/m \"$folder\"/l; mount -t overlay x -o lowerdir=\"$folder\"/l,upperdir=\"$root\",workdir=\"$work\",volatile \"$folder\"/m; umount \"$folder\"/m; mkdir -p \"$work\"/work/incompat/volatile",
            ("folder", folder), ("root", web.RootPath), ("work", web.WorkPath));
        CageException e = Refused(test, web);
        Assert.Contains("work/incompat/volatile", e.Message);
        Directory.Delete($"{web.WorkPath}/work/incompat/volatile", recursive: true);
        using (test.Start(web)) Assert.NotEmpty(Directory.GetFileSystemEntries(web.MountPath));
    });

    [RootFact]
    public void A_third_overlay_on_two_is_refused_beforehand() => InStore((test, folder) =>
    {
        Shell.Run(
            """
            cd "$folder"; mkdir a b u1 w1 m1 u2 w2 m2
            mount -t overlay x -o lowerdir=a,upperdir=u1,workdir=w1 m1; mkdir m1/in
            mount -t overlay x -o "lowerdir=$folder/m1/in:$folder/b" m2
            """,
            ("folder", folder));
        CageRecord once = Web(test, test.NewBase($"{folder}/m1/in"));
        using (test.Start(once)) Assert.NotEmpty(Directory.GetFileSystemEntries(once.MountPath));
        CageRecord twice = Web(test, test.NewBase($"{folder}/m2"));
        CageException e = Refused(test, twice);
        Assert.Equal(CageError.CageMountFailed, e.Error);
        Assert.Contains($"{folder}/m2", e.Message);
        Assert.Contains("copy", e.Advice);
        foreach (string mount in new[] { "m2", "m1" }) Mounts.Unmount($"{folder}/{mount}");
    });

    [RootFact]
    public void A_work_folder_elsewhere_and_an_upper_on_overlayfs_are_refused() => InStore((test, folder) =>
    {
        CageRecord web = Web(test);
        Disk.Mount("tmpfs", web.WorkPath, 8);
        Assert.Contains("EXDEV", Assert.Throws<CageException>(() => test.Engine.Start(web)).Message);
        Mounts.Unmount(web.WorkPath);
        Shell.Run("cd \"$folder\"; mkdir l u w m; mount -t overlay x -o lowerdir=l,upperdir=u,workdir=w m; mkdir m/root m/work", ("folder", folder));
        foreach (string name in new[] { "root", "work" }) Replace($"{web.Path}/{name}", $"{folder}/m/{name}");
        CageException e = Refused(test, web);
        Assert.Contains("overlayfs", e.Message);
        Mounts.Unmount($"{folder}/m");
    });
}
