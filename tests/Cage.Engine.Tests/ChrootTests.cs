using Cage.Engine.Plans;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>Chroot, the seed's own way: its mounts are the host's. [004]</summary>
public sealed class ChrootTests(SmallRoot root) : IClassFixture<SmallRoot>, IDisposable
{
    private readonly TestStore _test = new();

    public void Dispose() => _test.Dispose();

    private CageRecord NewCage() => _test.NewCage(root, CageIsolation.Chroot);

    [RootFact]
    public void It_is_mounted_where_the_host_sees_it_and_gone_when_stopped()
    {
        CageRecord record = NewCage();
        using RunningCage web = _test.Start(record);
        Assert.Equal((CageState.Running, record.MountPath, null, null), (web.Info.State, web.Info.RootPath, web.Info.ProcessId, web.Info.StartTime));
        string mnt = record.MountPath;
        Assert.Equal(
            [$"{mnt} overlay", $"{mnt}/proc proc", $"{mnt}/sys sysfs", $"{mnt}/dev tmpfs", $"{mnt}/dev/pts devpts", $"{mnt}/dev/shm tmpfs", $"{mnt}/tmp tmpfs"],
            _test.Mounted());
        CageMount[] mounts = [.. _test.Engine.GetMounts(web.Info)];
        Assert.Equal(["/", "/dev", "/dev/pts", "/dev/shm", "/proc", "/sys", "/tmp"], mounts.Select(mount => mount.Target));
        Assert.Equal([root.Path], mounts[0].Layers);
        Assert.All(mounts, mount => Assert.Equal((record.Name, record.Id), (mount.Cage, mount.CageId)));

        Assert.Equal("small", _test.Sh(web.Info, "cat /etc/base"));
        _test.Sh(web.Info, "echo new >/etc/new; echo changed >/etc/base");
        Assert.Equal("new\n", File.ReadAllText($"{record.RootPath}/etc/new"));
        Assert.Equal("changed\n", File.ReadAllText($"{record.RootPath}/etc/base"));
        Assert.Equal("small\n", File.ReadAllText($"{root.Path}/etc/base"));
        // Files only: the rest is the host's.
        Assert.Equal(Environment.MachineName, _test.Sh(web.Info, "hostname"));
        Assert.Equal(Files.ReadLink("/proc/self/ns/pid"), _test.Sh(web.Info, "readlink /proc/self/ns/pid"));

        Assert.Empty(_test.Stop(record));
        _test.AssertNothingLeft(record);
        Assert.Equal("new\n", File.ReadAllText($"{record.RootPath}/etc/new"));
        Assert.False(File.Exists($"{record.MountPath}/etc/new"));
        Assert.False(_test.Engine.Stop(record), "there was something to stop twice");
        using RunningCage again = _test.Start(record);
        Assert.Equal("changed", _test.Sh(again.Info, "cat /etc/base"));
    }

    [RootFact]
    public void What_the_base_lacks_is_made_in_the_upper()
    {
        CageRecord record = NewCage();
        foreach (string name in new[] { "proc", "sys", "dev", "tmp" }) Directory.Delete($"{record.RootPath}/{name}");
        using (_test.Start(record))
            Assert.Equal("proc 755 sys 755 dev 755 tmp 1777", Shell.Run("cd \"$upper\"; echo $(stat -c '%n %a' proc sys dev tmp)", ("upper", record.RootPath)).Trim());
        Assert.Empty(Directory.GetFileSystemEntries($"{record.RootPath}/dev"));
        Assert.False(Directory.Exists($"{root.Path}/proc"));
    }

    [RootFact]
    public void Its_devices_are_its_own_and_harm_nobody()
    {
        CageRecord record = NewCage();
        using RunningCage web = _test.Start(record);
        Assert.Equal(
            """
            /dev/full character special file 666 1,7
            /dev/null character special file 666 1,3
            /dev/pts directory 755 0,0
            /dev/random character special file 666 1,8
            /dev/shm directory 1777 0,0
            /dev/tty character special file 666 5,0
            /dev/urandom character special file 666 1,9
            /dev/zero character special file 666 1,5
            /tmp directory 1777 0,0
            """,
            _test.Sh(web.Info, "stat -c '%n %F %a %Hr,%Lr' /dev/full /dev/null /dev/pts /dev/random /dev/shm /dev/tty /dev/urandom /dev/zero /tmp"));
        Assert.Equal("fd full null ptmx pts random shm stderr stdin stdout tty urandom zero", _test.Sh(web.Info, "echo $(ls /dev)"));
        Assert.Equal("/proc/self/fd pts/ptmx", _test.Sh(web.Info, "echo $(readlink /dev/fd /dev/ptmx)"));
        _test.Sh(web.Info, "echo out >/dev/stdout; cat </dev/null; : </dev/fd/0; rm /dev/null");
        Assert.True(File.Exists("/dev/null"));

        // A terminal of the cage has its true name inside.
        (Descriptor leader, Descriptor peer) = _test.Engine.OpenTerminal(web.Info);
        using (leader)
        using (peer)
            Assert.Equal("/dev/pts/0", _test.Sh(web.Info, "echo /dev/pts/[0-9]*"));
    }

    [RootFact]
    public void Its_mounts_forbid_what_they_can()
    {
        using RunningCage web = _test.Start(NewCage());
        Dictionary<string, string[]> options = _test.Engine.GetMounts(web.Info).ToDictionary(mount => mount.Target, mount => mount.Options.Split(','));
        foreach (string place in new[] { "/proc", "/sys", "/dev", "/dev/pts", "/dev/shm", "/tmp" }) Assert.Contains("nosuid", options[place]);
        foreach (string place in new[] { "/proc", "/sys", "/dev/shm", "/tmp" }) Assert.Contains("nodev", options[place]);
        foreach (string place in new[] { "/proc", "/sys", "/dev", "/dev/pts" }) Assert.Contains("noexec", options[place]);
        Assert.DoesNotContain("noexec", options["/tmp"]);
        Assert.Contains("gid=5", options["/dev/pts"]);
        Assert.Contains("ptmxmode=666", options["/dev/pts"]);
    }

    /// <summary>Shared where what they lie on is shared, so that a stop reaches every namespace; private where that is private. [spec 8.9]</summary>
    [RootTheory]
    [InlineData(MountNamespace.MS_SHARED, true)]
    [InlineData(MountNamespace.MS_PRIVATE, false)]
    public void Its_mounts_propagate_as_their_parents_do(ulong propagation, bool shared) => MountNamespace.Run(folder =>
    {
        MountNamespace.Mount(null, folder, null, propagation);
        using TestStore test = new(Directory.CreateDirectory($"{folder}/s").FullName);
        CageRecord record = test.NewCage(root, CageIsolation.Chroot);
        using RunningCage web = test.Start(record);
        Assert.All(test.Engine.GetMounts(web.Info), mount => Assert.Equal(shared ? "shared" : "private", mount.Propagation.Split(':')[0]));
        test.Stop(record);
        test.AssertNothingLeft(record);
    });

    [RootFact]
    public void The_hosts_devices_are_there_on_request_and_stay_when_it_stops()
    {
        string before = Shell.Run("ls /dev; ls -d /dev/pts/ptmx; grep -c ' /dev/' /proc/self/mountinfo");
        CageRecord record = _test.Create(new NewCage { Name = "web", Base = [_test.NewBase(root.Path)], Isolation = CageIsolation.Chroot, Device = DeviceView.Host }).Record;
        using (RunningCage web = _test.Start(record))
        {
            Assert.Equal("devtmpfs", _test.Engine.GetMounts(web.Info).Single(mount => mount.Target == "/dev").Type);
            Assert.Equal(Shell.Run("echo $(ls /dev)").Trim(), _test.Sh(web.Info, "echo $(ls /dev)"));
            Assert.Equal("ptmx", _test.Sh(web.Info, "ls /dev/pts"));
            Assert.Empty(_test.Stop(record));
        }
        _test.AssertNothingLeft(record);
        Assert.Equal(before, Shell.Run("ls /dev; ls -d /dev/pts/ptmx; grep -c ' /dev/' /proc/self/mountinfo"));
    }

    [RootFact]
    public void Without_a_base_it_is_a_bind_of_its_own_files()
    {
        CageRecord record = _test.Create(new NewCage { Name = "alone", Isolation = CageIsolation.Chroot }).Record;
        Shell.Run("cp -a \"$from/.\" \"$to\"", ("from", root.Path), ("to", record.RootPath));
        using RunningCage web = _test.Start(record);
        CageMount top = _test.Engine.GetMounts(web.Info)[0];
        Assert.NotEqual("overlay", top.Type);
        Assert.Empty(top.Layers);
        Assert.Equal("small", _test.Sh(web.Info, "cat /etc/base; echo x >/etc/new"));
        Assert.True(File.Exists($"{record.RootPath}/etc/new"));
        _test.Stop(record);
        _test.AssertNothingLeft(record);
    }

    [RootFact]
    public void Of_several_bases_the_first_is_on_top_and_bases_of_bases_come_along()
    {
        CageRecord low = _test.NewLayer("low", _test.NewBase(root.Path)), one = _test.NewLayer("one", low.Id), two = _test.NewLayer("two", low.Id);
        foreach (CageRecord layer in new[] { low, one, two })
        {
            Directory.CreateDirectory($"{layer.RootPath}/etc");
            File.WriteAllText($"{layer.RootPath}/etc/{layer.Name}", layer.Name);
            File.WriteAllText($"{layer.RootPath}/etc/base", layer.Name);
        }
        File.Delete($"{one.RootPath}/etc/base");
        CageRecord record = _test.Create(new NewCage { Name = "web", Base = [one.Id, two.Id], Isolation = CageIsolation.Chroot }).Record;
        using RunningCage web = _test.Start(record);
        Assert.Equal("twoonetwolow", _test.Sh(web.Info, "cat /etc/base /etc/one /etc/two /etc/low"));
        Assert.Equal([one.RootPath, two.RootPath, low.RootPath], _test.Engine.GetMounts(web.Info)[0].Layers.Take(3));
    }

    /// <summary>As many as the kernel takes, each with a long path: the legacy option page ends at 69 of them.</summary>
    [RootFact]
    public void Five_hundred_layers_are_mounted()
    {
        Guid below = _test.NewBase(root.Path);
        CageRecord[] layers = [.. Enumerable.Range(0, 499).Select(i =>
        {
            Guid id = Guid.NewGuid();
            string path = _test.Store.PathOf(id, CageKind.ReadOnly), folder = $"{new string('r', 200)}{i}";
            Directory.CreateDirectory($"{path}/{folder}/etc");
            File.WriteAllText($"{path}/{folder}/etc/{i}", "");
            File.WriteAllText($"{path}/cage.conf", $"uuid={id}\nname={i}\nroot={folder}\n");
            return CageRecord.Read(path);
        })];
        CageRecord record = _test.Create(new NewCage { Name = "web", Base = [.. layers.Select(layer => layer.Id), below], Isolation = CageIsolation.Chroot }).Record;
        using RunningCage web = _test.Start(record);
        Assert.Equal("499", _test.Sh(web.Info, "set -- /etc/[0-9]*; echo $#"));
        // Mountinfo has them all, but a page is what the kernel prints of a line with long ones.
        Assert.NotEmpty(_test.Engine.GetMounts(web.Info)[0].Layers);
    }

    [RootTheory]
    [InlineData("we ird,na:me")]
    [InlineData("back\\slash \"quoted\" #hash")]
    [InlineData("日本 \t tab")]
    [InlineData("lower=,upper+=:x")]
    public void The_stores_folder_may_have_any_name(string data)
    {
        using TestStore test = new(data: data);
        CageRecord layer = test.NewLayer("layer", test.NewBase(root.Path));
        CageRecord record = test.Create(new NewCage { Name = "a,b:c\\d \"e\"", Base = [layer.Id], Isolation = CageIsolation.Chroot }).Record;
        using RunningCage web = test.Start(record);
        Assert.Equal("small", test.Sh(web.Info, "cat /etc/base; echo x >/etc/new"));
        Assert.True(File.Exists($"{record.RootPath}/etc/new"));
        Assert.Equal(7, test.Engine.GetMounts(web.Info).Count);
        Assert.Equal([layer.RootPath, root.Path], test.Engine.GetMounts(web.Info)[0].Layers);
        Assert.Empty(test.Stop(record));
        test.AssertNothingLeft(record);
    }

    [RootFact]
    public void The_stores_folder_may_be_deep()
    {
        string deep = string.Join('/', Enumerable.Range(0, 12).Select(i => new string((char)('a' + i), 120)));
        using TestStore test = new(data: deep);
        CageRecord record = test.NewCage(root, CageIsolation.Chroot);
        using RunningCage web = test.Start(record);
        Assert.Equal("small", test.Sh(web.Info, "cat /etc/base"));
        test.Stop(record);
        test.AssertNothingLeft(record);
    }

    /// <summary>/var/opt, or the store itself, may be a link to where there is room: the kernel's table has the way behind the link.</summary>
    [RootFact]
    public void The_stores_folder_may_be_behind_a_link()
    {
        Directory.CreateDirectory($"{_test.Folder}/real");
        File.CreateSymbolicLink($"{_test.Folder}/linked", "real");
        using TestStore test = new(_test.Folder, data: "linked/data");
        CageRecord record = test.NewCage(root, CageIsolation.Chroot);
        using (RunningCage web = test.Start(record))
        {
            Assert.Equal(7, test.Engine.GetMounts(web.Info).Count);
            test.Sh(web.Info, "setsid sleep 1000 <>/dev/null >&0 2>&0 &");
            Assert.Single(test.Engine.GetProcesses(web.Info));
            test.Stop(record);
        }
        Assert.Empty(test.Mounted());
        test.AssertNothingLeft(record);
        test.Engine.Remove(record);
    }

    [RootFact]
    public void The_live_host_is_a_base_too()
    {
        CageRecord record = _test.Create(new NewCage { Name = "web", Base = [_test.NewBase("/", "live")], Isolation = CageIsolation.Chroot }).Record;
        if (Files.FileSystemType("/") == Files.OVERLAYFS_SUPER_MAGIC) return;
        using RunningCage web = _test.Start(record);
        Assert.Equal(File.ReadAllText("/etc/passwd").TrimEnd('\n'), _test.Sh(web.Info, "cat /etc/passwd; echo x >/etc/cage-test-new"));
        Assert.False(File.Exists("/etc/cage-test-new"));
        Assert.Contains("cage-test-new", _test.Sh(web.Info, "ls /etc"));
    }

    [RootFact]
    public void The_live_host_with_another_layer_of_its_file_system_is_refused_beforehand()
    {
        Guid layer = _test.NewLayer("layer").Id, live = _test.NewBase("/", "live");
        if (Files.Status("/")!.Value.Device != Files.Status(_test.Folder)!.Value.Device) return;
        CageRecord record = _test.Create(new NewCage { Name = "web", Base = [layer, live], Isolation = CageIsolation.Chroot }).Record;
        CageException e = Assert.Throws<CageException>(() => _test.Engine.Start(record));
        Assert.Equal(CageError.CageMountFailed, e.Error);
        Assert.Contains("ELOOP", e.Message);
        _test.AssertNothingLeft(record);
    }
}
