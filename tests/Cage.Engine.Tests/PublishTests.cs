using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>A writable cage made a layer: the same files through it as in it, none of overlayfs's own notes, and the same for the seed's plain mount.</summary>
public sealed class PublishTests(SmallRoot root) : IClassFixture<SmallRoot>, IDisposable
{
    private const string Change =
        """
        set -e
        rm /etc/group; mkdir /etc/sub; echo deep >/etc/sub/file; rm -r /var; mkdir /var; echo opaque >/var/in
        mv /home /moved; echo more >/moved/more; echo changed >/etc/base; chmod 600 /etc/passwd; rm -r /moved/alice; cp /bin/cat /usr/bin/other
        """;

    private readonly TestStore _test = new();

    public void Dispose() => _test.Dispose();

    private CageRecord Changed(CageIsolation isolation = CageIsolation.Chroot)
    {
        CageRecord record = _test.NewCage(root, isolation);
        using (RunningCage cage = _test.Start(record)) _test.Sh(cage.Info, Change);
        return _test.Store.Get(record.Id)!;
    }

    private static string[] Marks(string folder) =>
    [
        .. Shell.Run("cd \"$top\"; find . -print0", ("top", folder)).Split('\0', StringSplitOptions.RemoveEmptyEntries).SelectMany(path => Names(Path.Combine(folder, path))).Distinct().Order(),
    ];

    private static IReadOnlyList<string> Names(string path)
    {
        using Descriptor parent = Files.Open(Path.GetDirectoryName(Path.GetFullPath(path))!, Files.O_RDONLY | Files.O_DIRECTORY);
        return Attributes.Names(parent, [.. PathText.Encode(Path.GetFileName(Path.GetFullPath(path))), 0]);
    }

    /// <summary>The tree as a cage sees it, without times of reading; its top is the new upper's.</summary>
    private static SortedDictionary<string, string> View(string path)
    {
        SortedDictionary<string, string> view = TreeImage.Of(path);
        view.Remove("");
        foreach (string entry in view.Keys.ToArray()) view[entry] = System.Text.RegularExpressions.Regex.Replace(view[entry], "atime=[^ ]*", "");
        return view;
    }

    private static SortedDictionary<string, string> Mounted(string options)
    {
        SortedDictionary<string, string> seen = [];
        MountNamespace.Run(folder =>
        {
            Shell.Run($"mount -t overlay overlay -o {options} \"$at\"", ("at", folder));
            seen = View(folder);
        });
        return seen;
    }

    [CageFact]
    public void The_same_tree_is_seen_through_it_by_a_cage_and_by_the_seeds_plain_mount()
    {
        CageRecord record = Changed();
        string below = _test.Store.Get(record.Base[0])!.RootPath;
        var before = Mounted($"lowerdir=\"{below}\",upperdir=\"{record.RootPath}\",workdir=\"{record.WorkPath}\"");
        Assert.Contains("trusted.overlay.origin", Marks(record.RootPath));

        CageInfo layer = _test.Engine.Publish(record);
        Assert.Equal((record.Id, CageKind.ReadOnly, "web"), (layer.Id, layer.Kind, layer.Name));
        Assert.Equal(record.Base, layer.Base);
        Assert.False(Directory.Exists(record.Path));
        Assert.Equal(["cage.conf", "root"], SnapshotBench.Entries(layer.Path));
        Assert.Equal(["trusted.overlay.opaque", "trusted.overlay.redirect"], Marks(layer.Record.RootPath).Where(name => name.StartsWith("trusted.overlay.", StringComparison.Ordinal)));
        Assert.DoesNotContain(File.ReadAllLines(layer.Record.ConfPath), line => new[] { "work=", "mountpoint=", "start=", "stop=", "isolation=" }.Any(line.StartsWith));

        string upper = Directory.CreateDirectory($"{_test.Folder}/u").FullName, work = Directory.CreateDirectory($"{_test.Folder}/w").FullName;
        Assert.Equal(before, Mounted($"lowerdir=\"{layer.Record.RootPath}:{below}\",upperdir=\"{upper}\",workdir=\"{work}\""));
        Assert.Equal(before, Mounted($"lowerdir=\"{layer.Record.RootPath}:{below}\""));

        CageRecord over = _test.Create(new NewCage { Name = "over", Base = [layer.Id], Isolation = CageIsolation.Jail }).Record;
        using RunningCage cage = _test.Start(over);
        Assert.Equal("changed deep opaque more", _test.Sh(cage.Info, "echo $(cat /etc/base /etc/sub/file /var/in /moved/more)"));
        _test.Sh(cage.Info, "test ! -e /etc/group; test ! -e /home; test ! -e /moved/alice; other /etc/base; mv /moved /again; cat /again/more");
    }

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Jail)]
    public void One_that_runs_is_refused(CageIsolation isolation)
    {
        CageRecord record = _test.NewCage(root, isolation);
        using (RunningCage cage = _test.Start(record))
        {
            CageException e = Assert.Throws<CageException>(() => _test.Engine.Publish(record));
            Assert.Equal(CageError.CageAlreadyRunning, e.Error);
            Assert.Equal("small", _test.Sh(cage.Info, "cat /etc/base"));
        }
        Assert.Equal(CageKind.ReadOnly, _test.Engine.Publish(_test.Store.Get(record.Id)!).Kind);
        Assert.Equal(CageError.CageArgumentInvalid, Assert.Throws<CageException>(() => _test.Engine.Publish(_test.Store.Get(record.Id)!)).Error);
    }

    [RootFact]
    public void What_somebody_keeps_beside_the_root_stays_and_the_conf_keeps_its_words()
    {
        CageRecord record = _test.Create(new NewCage { Name = "web", Memo = "two\nlines", Environment = ["A=b"] }).Record;
        File.AppendAllText(record.ConfPath, "# a remark\nmine=kept\n");
        File.WriteAllText($"{record.MountPath}/kept", "under the mount point");
        File.WriteAllText($"{record.Path}/notes", "beside");
        Directory.CreateDirectory($"{record.RootPath}/etc");
        File.WriteAllText($"{record.RootPath}/etc/resolv.conf", "");
        CageInfo layer = _test.Engine.Publish(_test.Store.Get(record.Id)!);
        Assert.Equal("two\nlines", layer.Memo);
        string conf = File.ReadAllText(layer.Record.ConfPath);
        Assert.Contains("# a remark\nmine=kept\n", conf);
        Assert.DoesNotContain("environment", conf);
        Assert.Equal(["cage.conf", "mnt", "notes", "root"], SnapshotBench.Entries(layer.Path));
        // An empty one was made to be mounted on, and would hide the one below.
        Assert.Empty(SnapshotBench.Entries($"{layer.Record.RootPath}/etc"));
    }

    [RootFact]
    public void One_with_a_mount_in_it_is_kept_writable()
    {
        CageRecord record = _test.Create(new NewCage { Name = "web" }).Record;
        Shell.Run("mkdir \"$at\"; mount -t tmpfs x \"$at\"", ("at", $"{record.RootPath}/m"));
        try
        {
            CageException e = Assert.Throws<CageException>(() => _test.Engine.Publish(record));
            Assert.Equal(CageError.CageBusy, e.Error);
            Assert.Contains($"{record.RootPath}/m", e.Message);
            Assert.Equal(CageKind.Writable, _test.Store.Get(record.Id)!.Kind);
        }
        finally
        {
            Mounts.Unmount($"{record.RootPath}/m");
        }
    }

    [RootFact]
    public void Without_space_for_its_conf_it_stays_writable_and_whole() => MountNamespace.Run(folder =>
    {
        using TestStore test = new(Directory.CreateDirectory($"{folder}/s").FullName);
        CageRecord record = test.NewCage(root, CageIsolation.Jail);
        byte[] conf = File.ReadAllBytes(record.ConfPath);
        Shell.Run("mount -o remount,size=8m \"$top\"; dd if=/dev/zero of=\"$top/fill\" bs=4k 2>/dev/null || :", ("top", folder));
        CageException e = Assert.Throws<CageException>(() => test.Engine.Publish(record));
        Assert.Contains("ENOSPC", e.Message);
        Assert.Equal(conf, File.ReadAllBytes(record.ConfPath));
        Assert.True(Directory.Exists(record.WorkPath));
        File.Delete($"{folder}/fill");
        Assert.Equal(CageKind.ReadOnly, test.Engine.Publish(record).Kind);
    });
}
