using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>Making cages: all or nothing.</summary>
public sealed class CreateTests : IDisposable
{
    private readonly TestStore _test = new();

    public void Dispose() => _test.Dispose();

    private string Data => _test.Settings.Data;

    private static string[] Entries(string folder) => [.. Directory.EnumerateFileSystemEntries(folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];

    /// <summary>A source directory with what a copy may lose.</summary>
    private string MakeSource(string folder)
    {
        Shell.Run(
            """
            mkdir -p "$source/sub"; cd "$source"
            echo text >file; ln file hard; ln -s /nowhere link; mkfifo fifo; mknod null c 1 3; chmod 1777 sub; chown 12:34 file; touch -d @1000000000 file
            truncate -s 1M hole
            """,
            ("source", folder));
        return folder;
    }

    private static CageException Refused(TestStore test, NewCage request) => Assert.Throws<CageException>(() => test.Engine.Create(request));

    [RootFact]
    public void A_writable_one_has_what_the_seed_has()
    {
        CageInfo cage = _test.Create(new NewCage { Name = "web", Memo = "two\nlines", Isolation = CageIsolation.Chroot });
        Assert.Equal(["cage.conf", "mnt", "root", "work"], Entries(cage.Path));
        Assert.Equal(
            $"uuid={cage.Id}\nname=web\nmemo=two\\nlines\nroot=root\nwork=work\nmountpoint=mnt\nstart=\nstop=\n", File.ReadAllText($"{cage.Path}/cage.conf"));
        Assert.Equal((CageState.Stopped, CageKind.Writable, null), (cage.State, cage.Kind, cage.RootPath));
        Assert.Equal([$"{cage.Id}.w"], Entries(Data));
    }

    [RootFact]
    public void The_folder_of_the_store_is_made_for_root_alone()
    {
        _test.Create(new NewCage { Name = "web" });
        Assert.Equal("700", Shell.Run("stat -c %a \"$data\"", ("data", Data)).Trim());
    }

    [RootFact]
    public void What_cannot_be_is_refused_and_makes_nothing()
    {
        Guid layer = _test.NewLayer("layer").Id, writable = _test.Create(new NewCage { Name = "web" }).Id;
        string[] before = Entries(Data);
        string file = $"{_test.Folder}/file";
        File.WriteAllText(file, "");
        (NewCage Request, CageError Error, string What)[] cases =
        [
            (new() { Name = "" }, CageError.CageArgumentInvalid, "empty"),
            (new() { Name = "a#b" }, CageError.CageArgumentInvalid, "#"),
            (new() { Name = "a\nb" }, CageError.CageArgumentInvalid, "newline"),
            (new() { Name = "a", Memo = "\0" }, CageError.CageArgumentInvalid, "0x00"),
            (new() { Name = "a", Memo = "\r" }, CageError.CageArgumentInvalid, "0x0d"),
            (new() { Name = "a", Environment = ["A"] }, CageError.CageArgumentInvalid, "NAME=value"),
            (new() { Name = "a\ud800" }, CageError.CageArgumentInvalid, "a"),
            (new() { Name = "a", Id = layer }, CageError.CageAlreadyExists, layer.ToString()),
            (new() { Name = "a", Id = writable, Kind = CageKind.ReadOnly }, CageError.CageAlreadyExists, writable.ToString()),
            (new() { Name = "a", Base = [layer, writable] }, CageError.CageArgumentInvalid, "writable"),
            (new() { Name = "a", Base = [layer, Guid.Parse(TestId)] }, CageError.CageNotFound, TestId),
            (new() { Name = "a", Source = "/etc" }, CageError.CageArgumentInvalid, "read-only"),
            (new() { Name = "a", Kind = CageKind.ReadOnly, Source = $"{_test.Folder}/none" }, CageError.CageArgumentInvalid, "none: there is none (ENOENT)"),
            (new() { Name = "a", Kind = CageKind.ReadOnly, Source = file }, CageError.CageArgumentInvalid, "ENOTDIR"),
            (new() { Name = "a", Kind = CageKind.ReadOnly, Source = "/", SourceMode = SourceMode.Copy }, CageError.CageArgumentInvalid, "linked"),
            (new() { Name = "a", Kind = CageKind.ReadOnly, Source = "/tmp/..", SourceMode = SourceMode.Move }, CageError.CageArgumentInvalid, "linked"),
        ];
        foreach (var (request, error, what) in cases)
        {
            CageException e = Refused(_test, request);
            Assert.Equal((error, request.Name), (e.Error, request.Name));
            Assert.Contains(what, e.Message);
        }
        Assert.Equal(before, Entries(Data));
    }

    private const string TestId = "deadbeef-0000-4000-8000-000000000000";

    [RootFact]
    public void A_source_is_linked_by_default()
    {
        string source = MakeSource($"{_test.Folder}/source");
        CageInfo cage = _test.Engine.Look(_test.Store.Get(_test.NewBase($"{source}/../source/"))!);
        Assert.Equal(source, Files.ReadLink($"{cage.Path}/root")!.TrimEnd('/'));
        Assert.Equal("text\n", File.ReadAllText($"{cage.RootPath}/file"));
        Assert.False(cage.IsLive);
        Assert.True(_test.Engine.Look(_test.Store.Get(_test.NewBase("/", "live"))!).IsLive);
        _test.Engine.Remove(cage.Record);
        Assert.True(File.Exists($"{source}/file"));
    }

    [RootFact]
    public void A_source_is_copied_with_all_that_it_has()
    {
        string source = MakeSource($"{_test.Folder}/source");
        CageInfo cage = _test.Create(new NewCage { Name = "copy", Kind = CageKind.ReadOnly, Source = source, SourceMode = SourceMode.Copy });
        const string List = "cd \"$at\"; find . -mindepth 1 -printf '%P %y %m %U:%G %s %n %l %T@\\n' | sort | grep -v '^sub '; stat -c %b hole; stat -c %a sub";
        Assert.Equal(Shell.Run(List, ("at", source)), Shell.Run(List, ("at", $"{cage.Path}/root")));
        Assert.Equal("text\n", File.ReadAllText($"{source}/file"));
        File.WriteAllText($"{source}/file", "changed");
        Assert.Equal("text\n", File.ReadAllText($"{cage.Path}/root/file"));
    }

    [RootFact]
    public void A_source_is_moved_into_the_store()
    {
        string source = MakeSource($"{_test.Folder}/source");
        CageInfo cage = _test.Create(new NewCage { Name = "moved", Kind = CageKind.ReadOnly, Source = source, SourceMode = SourceMode.Move });
        Assert.False(Directory.Exists(source));
        Assert.Equal("text\n", File.ReadAllText($"{cage.Path}/root/file"));
        Assert.False(Files.Status($"{cage.Path}/root")!.Value.IsLink);
    }

    [RootFact]
    public void A_source_behind_a_link_is_copied_and_not_the_link()
    {
        string source = MakeSource($"{_test.Folder}/source");
        File.CreateSymbolicLink($"{_test.Folder}/link", "source");
        CageInfo copy = _test.Create(new NewCage { Name = "copy", Kind = CageKind.ReadOnly, Source = $"{_test.Folder}/link", SourceMode = SourceMode.Copy });
        Assert.True(Files.Status(copy.Record.RootPath) is { IsDirectory: true });
        Assert.Equal("text\n", File.ReadAllText($"{copy.Path}/root/file"));
        CageException e = Refused(_test, new NewCage { Name = "move", Kind = CageKind.ReadOnly, Source = $"{_test.Folder}/link/", SourceMode = SourceMode.Move });
        Assert.Contains("symbolic link", e.Message);
        Assert.True(File.Exists($"{source}/file"));
        File.CreateSymbolicLink($"{_test.Folder}/all", "/");
        Refused(_test, new NewCage { Name = "all", Kind = CageKind.ReadOnly, Source = $"{_test.Folder}/all", SourceMode = SourceMode.Copy });
    }

    /// <summary>Between the move and the last rename a maker may be killed: the next one must not sweep the only copy of the files.</summary>
    [RootFact]
    public void A_source_is_not_lost_when_its_maker_is_killed()
    {
        string source = MakeSource($"{_test.Folder}/source");
        CageInfo cage = _test.Create(new NewCage { Name = "moved", Kind = CageKind.ReadOnly, Source = source, SourceMode = SourceMode.Move });
        Directory.Move(cage.Path, $"{Data}/.{cage.Id}.r.new");
        Assert.Empty(_test.Store.ReadAll());
        // A process that another test is just starting may have our lock's descriptor until it executes: then the next sweep is the one.
        TestStore.Wait(() => Directory.Exists(_test.Create(new NewCage { Name = "next" }).Path) && Directory.Exists(cage.Path));
        Assert.True(File.Exists($"{cage.Path}/root/file"));
        Assert.Equal(cage.Id, _test.Store.Find("moved").Id);
    }

    [RootFact]
    public void A_source_on_another_file_system_is_not_moved() => MountNamespace.Run(folder =>
    {
        File.WriteAllText($"{Directory.CreateDirectory($"{folder}/source").FullName}/file", "text");
        Directory.CreateDirectory($"{folder}/other");
        MountNamespace.Mount("other", $"{folder}/other", "tmpfs");
        Directory.CreateDirectory($"{folder}/other/s");
        using TestStore test = new($"{folder}/other/s");
        CageException e = Refused(test, new NewCage { Name = "moved", Kind = CageKind.ReadOnly, Source = $"{folder}/source", SourceMode = SourceMode.Move });
        Assert.Contains("EXDEV", e.Message);
        Assert.Empty(Entries(test.Settings.Data));
        Assert.Equal("text", File.ReadAllText($"{folder}/source/file"));
    });

    [RootFact]
    public void What_a_killed_command_left_is_swept_and_what_another_is_making_is_not()
    {
        _test.Create(new NewCage { Name = "first" });
        string abandoned = $"{Data}/.{Guid.NewGuid()}.w.new", removing = $"{Data}/.{Guid.NewGuid()}.r.gone", working = $"{Data}/.{Guid.NewGuid()}.w.new";
        string alien = $"{Data}/.my notes", mounted = $"{Data}/.{Guid.NewGuid()}.w.gone";
        foreach (string path in new[] { abandoned, removing, working, alien, mounted }) Directory.CreateDirectory($"{path}/root/deep/deeper");
        using Descriptor lockFile = Files.Open(working, Files.O_RDONLY | Files.O_DIRECTORY);
        Assert.True(Files.Lock(lockFile, wait: false));
        string other = Directory.CreateDirectory($"{_test.Folder}/other").FullName;
        File.WriteAllText($"{other}/precious", "");
        Shell.Run("mount --bind \"$other\" \"$mounted/root/deep\"", ("other", other), ("mounted", mounted));
        try
        {
            _test.Create(new NewCage { Name = "second" });
            Assert.False(Directory.Exists(abandoned));
            Assert.False(Directory.Exists(removing));
            Assert.True(Directory.Exists($"{working}/root/deep/deeper"));
            Assert.True(Directory.Exists(alien));
            // Nothing that is mounted is reached into, and nobody is kept from making cages by it.
            Assert.True(File.Exists($"{other}/precious"));
            Assert.Equal(["first", "second"], _test.Store.ReadAll().Select(cage => cage.Name));
        }
        finally
        {
            Shell.Run("umount \"$mounted/root/deep\"", ("mounted", mounted));
        }
    }

    [RootFact]
    public void Many_at_once_do_not_sweep_each_other()
    {
        List<Exception> failures = [];
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(thread => new Thread(() =>
        {
            for (int i = 0; i < 50; i++)
            {
                try
                {
                    CageRecord record = _test.Engine.Create(new NewCage { Name = $"cage {thread} {i}" }).Record;
                    if (i % 2 == 0) _test.Engine.Remove(record);
                }
                catch (Exception e)
                {
                    lock (failures) failures.Add(e);
                }
            }
        }))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        Assert.Empty(failures);
        Assert.Equal(100, _test.Store.ReadAll().Count);
        Assert.Equal(100, Entries(Data).Length);
    }

    [RootTheory]
    [InlineData("size=64k")]
    [InlineData("nr_inodes=32")]
    public void A_full_disk_leaves_nothing(string limit) => MountNamespace.Run(folder =>
    {
        Directory.CreateDirectory($"{folder}/small");
        MountNamespace.Mount("small", $"{folder}/small", "tmpfs", 0, limit);
        Directory.CreateDirectory($"{folder}/small/s");
        using TestStore test = new($"{folder}/small/s");
        test.Create(new NewCage { Name = "first" });
        string[] before = Entries(test.Settings.Data);
        Shell.Run("cd \"$folder\"; mkdir fill; (for i in {1..100}; do echo x >fill/$i || break; head -c 4000 /dev/zero >>fill/$i || break; done) 2>&-", ("folder", $"{folder}/small/s"));
        CageException e = Refused(test, new NewCage { Name = "second" });
        Assert.Equal(CageError.CageStoreFailed, e.Error);
        Assert.Contains("ENOSPC", e.Message);
        Assert.Contains("Free space", e.Message);
        Assert.Equal(before, Entries(test.Settings.Data));
        Directory.Delete($"{folder}/small/s/fill", recursive: true);
        test.Create(new NewCage { Name = "second" });
    });

    [RootFact]
    public void A_full_disk_in_a_copy_leaves_nothing() => MountNamespace.Run(folder =>
    {
        Directory.CreateDirectory($"{folder}/small");
        MountNamespace.Mount("small", $"{folder}/small", "tmpfs", 0, "size=64k");
        Directory.CreateDirectory($"{folder}/small/s");
        Directory.CreateDirectory($"{folder}/source");
        File.WriteAllBytes($"{folder}/source/large", new byte[200_000]);
        using TestStore test = new($"{folder}/small/s");
        CageException e = Refused(test, new NewCage { Name = "copy", Kind = CageKind.ReadOnly, Source = $"{folder}/source", SourceMode = SourceMode.Copy });
        Assert.Equal(CageError.CageStoreFailed, e.Error);
        Assert.Contains("No space left on device", e.Message);
        Assert.Empty(Entries(test.Settings.Data));
    });

    /// <summary>What was moved into a cage that then could not be made goes back: it is the user's, and there is no other copy.</summary>
    [RootFact]
    public void A_source_is_not_lost_when_its_cage_cannot_be_made() => MountNamespace.Run(folder =>
    {
        Directory.CreateDirectory($"{folder}/small");
        MountNamespace.Mount("small", $"{folder}/small", "tmpfs", 0, "size=64k");
        Directory.CreateDirectory($"{folder}/small/s/source");
        using TestStore test = new($"{folder}/small/s");
        Shell.Run("head -c 65536 /dev/zero >\"$folder/source/precious\" || :", ("folder", $"{folder}/small/s"));
        CageException e = Refused(test, new NewCage { Name = "moved", Kind = CageKind.ReadOnly, Source = $"{folder}/small/s/source", SourceMode = SourceMode.Move });
        Assert.Contains("ENOSPC", e.Message);
        Assert.True(File.Exists($"{folder}/small/s/source/precious"), "the source was deleted");
        Assert.Empty(Entries(test.Settings.Data));
    });

    [RootFact]
    public void A_store_that_is_read_only_says_so() => MountNamespace.Run(folder =>
    {
        Directory.CreateDirectory($"{folder}/fixed");
        MountNamespace.Mount("fixed", $"{folder}/fixed", "tmpfs");
        Directory.CreateDirectory($"{folder}/fixed/s");
        using TestStore test = new($"{folder}/fixed/s");
        CageRecord record = test.Create(new NewCage { Name = "first" }).Record;
        Protect($"{folder}/fixed", Mounts.MOUNT_ATTR_RDONLY);
        try
        {
            Action[] writes =
            [
                () => test.Engine.Create(new NewCage { Name = "second" }),
                () => test.Engine.Change(record, before => before with { Name = "other" }),
                () => test.Engine.Remove(record),
                // A store that would have to be made there.
                () => new CageEngine(test.Settings with { Data = $"{folder}/fixed/s/a/b" }, test.Stage).Create(new NewCage { Name = "x" }),
            ];
            foreach (Action write in writes)
            {
                CageException e = Assert.Throws<CageException>(write);
                Assert.Equal(CageError.CageStoreFailed, e.Error);
                Assert.Contains("EROFS", e.Message);
                Assert.Contains("read-only", e.Message);
            }
            Assert.Equal("first", Assert.Single(test.Engine.List()).Name);
        }
        finally
        {
            Shell.Run("mount -o remount,bind,rw \"$at\"", ("at", $"{folder}/fixed"));
        }
    });

    private static void Protect(string path, ulong attributes)
    {
        using Descriptor mount = Files.Open(path, Files.O_PATH | Files.O_DIRECTORY);
        Mounts.SetAttributes(mount, attributes);
    }

    [RootFact]
    public void A_store_whose_place_is_a_file_says_so()
    {
        File.WriteAllText(Data, "");
        foreach (string data in new[] { Data, $"{Data}/below", $"{Data}/below/that" })
        {
            CageEngine engine = new(_test.Settings with { Data = data }, _test.Stage);
            CageException e = Assert.Throws<CageException>(() => engine.Create(new NewCage { Name = "web" }));
            Assert.Equal(CageError.CageStoreFailed, e.Error);
            Assert.Contains(Data, e.Message);
            Assert.Contains("ENOTDIR", e.Message);
        }
        Assert.Equal("", File.ReadAllText(Data));
        File.Delete(Data);
    }
}
