using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>Removal takes what is the cage's, and nothing else.</summary>
public sealed class RemoveTests(SmallRoot root) : IClassFixture<SmallRoot>, IDisposable
{
    private readonly TestStore _test = new();

    public void Dispose() => _test.Dispose();

    private string Make(string script)
    {
        string tree = $"{_test.Folder}/tree";
        Directory.CreateDirectory(tree);
        Directory.CreateDirectory($"{_test.Folder}/out");
        File.WriteAllText($"{_test.Folder}/out/file", "precious");
        Shell.Run($"cd \"$tree\"; {script}", ("tree", tree), ("out", $"{_test.Folder}/out"));
        return tree;
    }

    private void AssertRemoved(string tree)
    {
        TreeRemoval.Remove(tree);
        Assert.Null(Files.Status(tree));
        Assert.Equal("precious", File.ReadAllText($"{_test.Folder}/out/file"));
        Assert.Single(Directory.GetFileSystemEntries($"{_test.Folder}/out"));
    }

    [RootTheory]
    [InlineData("")]
    [InlineData("mkdir a; echo >a/b; ln a/b c; mkfifo d; mknod e c 1 3; mknod f b 7 99; echo >.g; mkdir .h ..i ...")]
    [InlineData("ln -s \"$out\" a; ln -s \"$out/file\" b; ln -s . c; ln -s .. d; ln -s /nowhere e; mkdir f; ln -s \"$out\" f/g; ln \"$out/file\" h")]
    [InlineData("mkdir a a/b; echo >a/b/c; chmod 0 a/b/c a/b a")]
    [InlineData("mkdir -- 'a b' $'new\\nline' $'tab\\t' '*' '-rf' '\\' '日本' '#x' '$(id)' '?'; echo >'*/x '; echo >-")]
    [InlineData("mkdir $(head -c 255 /dev/zero | tr '\\0' x)")]
    [InlineData("mkdir a; for i in {1..1500}; do echo >a/$i; done")]
    public void A_tree_goes_with_all_that_is_in_it_and_no_link_is_followed(string script) => AssertRemoved(Make(script));

    /// <summary>A name is bytes: what is not UTF-8 is the cage's to make.</summary>
    [RootFact]
    public void Names_that_are_not_UTF8_go_too() => AssertRemoved(Make("mkdir $'\\xff' $'a\\x80b' $'\\xe6\\x97'; echo >$'\\xff/\\xfe'; ln -s \"$out\" $'\\xc0\\xaf'; mkdir $'\\xef\\xbf\\xbd'"));

    /// <summary>Deeper than a path can be long, and than there are descriptors or there is stack for: whoever is root in a cage can make it.</summary>
    [RootTheory]
    [InlineData(300, 200)]
    [InlineData(30000, 1)]
    public void A_tree_may_be_deep(int depth, int length) => MountNamespace.Run(mount =>
    {
        string tree = Directory.CreateDirectory($"{mount}/tree").FullName;
        Descriptor folder = Files.Open(tree, Files.O_PATH | Files.O_DIRECTORY);
        string name = new('d', length);
        for (int i = 0; i < depth; i++)
        {
            Files.MakeDirectoryAt(folder, name, 0x1ed);
            Descriptor next = Files.OpenAt(folder, name, Files.O_PATH | Files.O_DIRECTORY);
            folder.Dispose();
            folder = next;
        }
        folder.Dispose();
        Exception? failure = null;
        // A stack as a thread of a pool or of pwsh has it.
        Thread thread = new(() => failure = Record.Exception(() => TreeRemoval.Remove(tree)), 1 << 20);
        thread.Start();
        thread.Join();
        Assert.Null(failure);
        Assert.Null(Files.Status(tree));
    });

    [Fact]
    public void What_is_not_there_is_fine_and_a_link_is_not_followed()
    {
        TreeRemoval.Remove($"{_test.Folder}/none");
        Directory.CreateDirectory($"{_test.Folder}/out");
        File.WriteAllText($"{_test.Folder}/out/file", "precious");
        File.CreateSymbolicLink($"{_test.Folder}/link", $"{_test.Folder}/out");
        Exception? e = Record.Exception(() => TreeRemoval.Remove($"{_test.Folder}/link"));
        Assert.True(e is null or LinuxException);
        Assert.True(File.Exists($"{_test.Folder}/out/file"));
    }

    [RootTheory]
    [InlineData("mkdir a a/m; mount -t tmpfs x a/m; echo >a/m/file", "a/m")]
    [InlineData("mkdir a a/m; mount --bind \"$out\" a/m", "a/m")]
    [InlineData("mkdir a; echo >a/f; mount --bind \"$out/file\" a/f", "a/f")]
    [InlineData("mkdir a; mount --bind a a; echo >a/file", "a")]
    public void A_mount_is_not_crossed(string script, string mount) => MountNamespace.Run(folder =>
    {
        string tree = Directory.CreateDirectory($"{folder}/tree").FullName, outside = Directory.CreateDirectory($"{folder}/out").FullName;
        File.WriteAllText($"{outside}/file", "precious");
        Shell.Run($"cd \"$tree\"; {script}", ("tree", tree), ("out", outside));
        LinuxException e = Assert.Throws<LinuxException>(() => TreeRemoval.Remove(tree));
        Assert.Equal(Errno.EBUSY, e.Number);
        Assert.Equal("precious", File.ReadAllText($"{outside}/file"));
        Assert.True(File.Exists($"{tree}/{mount}/file") || File.Exists($"{tree}/{mount}"));
        Assert.Contains(MountTable.Read(), entry => entry.MountPoint == $"{tree}/{mount}");
        Mounts.Unmount($"{tree}/{mount}");
        TreeRemoval.Remove(tree);
        Assert.False(Directory.Exists(tree));
        Assert.Equal("precious", File.ReadAllText($"{outside}/file"));
    });

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void One_that_runs_is_removed_by_force_only(CageIsolation isolation)
    {
        CageRecord record = _test.NewCage(root, isolation);
        using RunningCage web = _test.Start(record);
        _test.Sh(web.Info, "setsid bash -c 'trap \"\" TERM; read x <>/dev/full' <>/dev/null >&0 2>&0 &");
        CageException e = Assert.Throws<CageException>(() => _test.Engine.Remove(record));
        Assert.Equal(CageError.CageAlreadyRunning, e.Error);
        Assert.Contains("--force", e.Message);
        Assert.Equal("small", _test.Sh(web.Info, "cat /etc/base"));
        _test.Engine.Remove(record, force: true);
        Assert.False(Directory.Exists(record.Path));
        _test.AssertNothingLeft(record);
        Assert.Equal(["base"], _test.Store.ReadAll().Select(cage => cage.Name));
        Assert.Single(Directory.GetFileSystemEntries(_test.Settings.Data));
        Assert.True(File.Exists($"{root.Path}/etc/base"));
        Assert.Equal(CageError.CageNotFound, Assert.Throws<CageException>(() => _test.Engine.Remove(record)).Error);
    }

    [RootFact]
    public void A_base_of_another_is_kept()
    {
        CageRecord low = _test.NewLayer("low"), high = _test.NewLayer("high", low.Id);
        CageRecord web = _test.Create(new NewCage { Name = "web", Base = [high.Id] }).Record;
        foreach (bool force in new[] { false, true })
        {
            CageException e = Assert.Throws<CageException>(() => _test.Engine.Remove(high, force));
            Assert.Equal(CageError.CageBusy, e.Error);
            Assert.Contains("\"web\"", e.Message);
            Assert.Contains(web.Id.ToString(), e.Message);
            Assert.Contains("\"high\"", Assert.Throws<CageException>(() => _test.Engine.Remove(low, force)).Message);
        }
        foreach (CageRecord record in new[] { web, high, low }) _test.Engine.Remove(record);
        Assert.Empty(Directory.GetFileSystemEntries(_test.Settings.Data));
    }

    [RootTheory]
    [InlineData("root/m")]
    [InlineData("work/m")]
    [InlineData("")]
    public void One_with_a_mount_beneath_is_kept_whole(string place)
    {
        CageRecord record = _test.Create(new NewCage { Name = "web" }).Record;
        string at = place.Length == 0 ? record.Path : $"{record.Path}/{place}";
        Directory.CreateDirectory(at);
        File.WriteAllText($"{record.RootPath}/file", "kept");
        Shell.Run(place.Length == 0 ? "mount --bind \"$at\" \"$at\"" : "mount -t tmpfs x \"$at\"", ("at", at));
        try
        {
            foreach (bool force in new[] { false, true })
            {
                CageException e = Assert.Throws<CageException>(() => _test.Engine.Remove(record, force));
                Assert.Equal(CageError.CageBusy, e.Error);
                Assert.Contains(at, e.Message);
            }
            Assert.Equal("kept", File.ReadAllText($"{record.RootPath}/file"));
            Assert.Equal("web", _test.Store.Get(record.Id)!.Name);
        }
        finally
        {
            Shell.Run("umount \"$at\"", ("at", at));
        }
        _test.Engine.Remove(record);
        Assert.False(Directory.Exists(record.Path));
    }

    [RootFact]
    public void What_cannot_be_deleted_is_told_and_can_be_tried_again()
    {
        CageRecord record = _test.Create(new NewCage { Name = "web" }).Record;
        File.WriteAllText($"{record.RootPath}/fixed", "");
        // Not every file system has such a flag.
        if (Record.Exception(() => Shell.Run("chattr +i \"$file\"", ("file", $"{record.RootPath}/fixed"))) is not null) return;
        CageException e = Assert.Throws<CageException>(() => _test.Engine.Remove(record));
        Assert.Equal(CageError.CageStoreFailed, e.Error);
        Assert.Contains("EPERM", e.Message);
        Shell.Run("chattr -R -f -i \"$data\" || :", ("data", _test.Settings.Data));
        // What is left of it goes with the next that is made.
        _test.Create(new NewCage { Name = "next" });
        Assert.Single(Directory.GetFileSystemEntries(_test.Settings.Data));
    }

    [RootFact]
    public void A_removal_waits_for_whoever_has_the_cage()
    {
        CageRecord record = _test.Create(new NewCage { Name = "web" }).Record;
        using (CageLock.Take(record.Path))
        {
            using CancellationTokenSource soon = new(50);
            Assert.Throws<OperationCanceledException>(() => _test.Engine.Remove(record, cancellation: soon.Token));
            Assert.True(Directory.Exists(record.MountPath));
        }
        _test.Engine.Remove(record);
        Assert.False(Directory.Exists(record.Path));
    }
}
