using System.Text;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>Pivot and Jail: mounts in the cage's own namespace, which the host does not see. [001]</summary>
public sealed class NamespaceTests(SmallRoot root) : IClassFixture<SmallRoot>, IDisposable
{
    private readonly TestStore _test = new();

    public void Dispose() => _test.Dispose();

    private CageRecord NewCage(CageIsolation isolation, string name = "web") => _test.NewCage(root, isolation, name);

    private static readonly string[] _mounts = ["/ overlay", "/proc proc", "/sys sysfs", "/dev tmpfs", "/dev/pts devpts", "/dev/shm tmpfs", "/tmp tmpfs", "/run tmpfs"];

    private static string[] Expected => File.Exists("/etc/resolv.conf") ? [.. _mounts, "/etc/resolv.conf *"] : _mounts;

    /// <summary>The table as the cage itself reads it.</summary>
    private MountEntry[] Inside(CageInfo cage) => [.. _test.Sh(cage, "cat /proc/self/mountinfo").Split('\n').Select(line => MountTable.Parse(Encoding.UTF8.GetBytes(line)))];

    /// <summary>What covers parts of /proc and /sys in a Jail depends on the kernel; PrivilegeTests look at it.</summary>
    private static IEnumerable<MountEntry> WithoutCovers(IEnumerable<MountEntry> mounts) =>
        mounts.Where(mount => !mount.MountPoint.StartsWith("/proc/", StringComparison.Ordinal) && !mount.MountPoint.StartsWith("/sys/", StringComparison.Ordinal));

    private static string Brief(MountEntry mount) => $"{mount.MountPoint} {(mount.MountPoint == "/etc/resolv.conf" ? "*" : mount.Type)}";

    [CageTheory]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void Its_mounts_are_its_own_and_all_that_it_sees(CageIsolation isolation)
    {
        CageRecord record = NewCage(isolation);
        using RunningCage web = _test.Start(record);
        CageInfo cage = web.Info;
        Assert.Equal((CageState.Running, $"/proc/{cage.ProcessId}/root"), (cage.State, cage.RootPath));
        Assert.InRange(cage.StartTime!.Value, DateTimeOffset.Now.AddMinutes(-1), DateTimeOffset.Now.AddSeconds(1));
        Assert.Empty(_test.Mounted());
        Assert.Empty(Directory.GetFileSystemEntries(record.MountPath));

        MountEntry[] inside = Inside(cage);
        Assert.Equal(Expected.Order(StringComparer.Ordinal), WithoutCovers(inside).Select(Brief).Order(StringComparer.Ordinal));
        Assert.All(inside, mount => Assert.Equal("", mount.Propagation));
        Assert.DoesNotContain(_test.Engine.GetMounts(web.Info), mount => mount.Options.Split(',').Intersect(["ro", "rw"]).Count() != 1);
        Assert.Equal(isolation == CageIsolation.Jail, inside.Single(mount => mount.MountPoint == "/sys").Options.Split(',').Contains("ro"));
        Assert.Equal(inside.Select(mount => mount.MountPoint).Order(StringComparer.Ordinal), _test.Engine.GetMounts(cage).Select(mount => mount.Target));
        Assert.All(_test.Engine.GetMounts(cage), mount => Assert.Equal("private", mount.Propagation));
        Assert.Equal([root.Path], _test.Engine.GetMounts(cage)[0].Layers);
        Assert.Equal("bin dev etc home lib lib64 proc root run sbin sys tmp usr var", _test.Sh(cage, "echo $(ls /)"));
        Assert.Equal("755 1777 1777", _test.Sh(cage, "echo $(stat -c %a /run /tmp /dev/shm)"));

        _test.Sh(cage, "echo new >/etc/new; echo gone >/tmp/gone");
        Assert.Equal("new\n", File.ReadAllText($"{cage.RootPath}/etc/new"));
        Assert.Equal("new\n", File.ReadAllText($"{record.RootPath}/etc/new"));
        Assert.False(File.Exists($"{root.Path}/etc/new"));

        int init = cage.ProcessId!.Value;
        Assert.Empty(_test.Stop(record));
        _test.AssertNothingLeft(record);
        Assert.False(Directory.Exists($"/proc/{init}/root/etc"));
        Assert.False(_test.Engine.Stop(record), "there was something to stop twice");
        Assert.False(File.Exists($"{record.RootPath}/tmp/gone"));
        using RunningCage again = _test.Start(record);
        Assert.Equal("new", _test.Sh(again.Info, "cat /etc/new"));
    }

    [CageFact]
    public void A_jail_has_namespaces_a_host_name_and_a_first_process_of_its_own()
    {
        using RunningCage web = _test.Start(_test.Change(NewCage(CageIsolation.Jail, "The web_1"), new CagePrivileges { CapabilityAdd = ["SYS_ADMIN"] }));
        string Inside(string line) => _test.Sh(web.Info, line);
        Assert.Equal("The-web-1", Inside("hostname"));
        foreach (string name in new[] { "mnt", "pid", "ipc", "uts", "cgroup" }) Assert.NotEqual(Files.ReadLink($"/proc/self/ns/{name}"), Inside($"readlink /proc/self/ns/{name}"));
        foreach (string name in new[] { "net", "user" }) Assert.Equal(Files.ReadLink($"/proc/self/ns/{name}"), Inside($"readlink /proc/self/ns/{name}"));
        Assert.Equal("cage", Inside("cat /proc/1/comm"));
        Assert.Matches("^1 [0-9]+ [0-9]+$", Inside("cd /proc; ls -d [0-9]* | while read x; do echo $x; done | (read a; read b; read c; echo $a $b $c)"));
        Assert.Contains("0::/", Inside("cat /proc/self/cgroup").Split('\n'));
        Assert.Equal(Environment.MachineName, Shell.Run("hostname").Trim());
        Inside("hostname other");
        Assert.Equal("other", Inside("hostname"));
        Assert.Equal(Environment.MachineName, Shell.Run("hostname").Trim());

        CageProcess first = Assert.Single(_test.Engine.GetProcesses(web.Info));
        Assert.Equal((web.Info.ProcessId!.Value, 1, true, 0u), (first.Id, first.InsideId, first.IsInit, first.UserId));
        Assert.Equal("cage", first.Name);
    }

    [CageFact]
    public void A_pivot_shares_all_but_its_mounts()
    {
        using RunningCage web = _test.Start(NewCage(CageIsolation.Pivot));
        foreach (string name in new[] { "pid", "ipc", "uts", "cgroup", "net", "user" }) Assert.Equal(Files.ReadLink($"/proc/self/ns/{name}"), _test.Sh(web.Info, $"readlink /proc/self/ns/{name}"));
        Assert.NotEqual(Files.ReadLink("/proc/self/ns/mnt"), _test.Sh(web.Info, "readlink /proc/self/ns/mnt"));
        Assert.Equal(Environment.MachineName, _test.Sh(web.Info, "hostname"));
        CageProcess first = Assert.Single(_test.Engine.GetProcesses(web.Info));
        Assert.Equal((web.Info.ProcessId!.Value, web.Info.ProcessId!.Value, true), (first.Id, first.InsideId, first.IsInit));
    }

    /// <summary>The parents that are left over go to the init, which waits for them. [002]</summary>
    [CageTheory]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void The_init_takes_in_orphans_and_waits_for_them(CageIsolation isolation)
    {
        using RunningCage web = _test.Start(NewCage(isolation));
        // The subshell ends at once: its child is an orphan then, and ends too. A second one lives on.
        _test.Sh(web.Info, "(setsid sh -c 'exit 3' <>/dev/null >&0 2>&0 & setsid sleep 1000 <>/dev/null >&0 2>&0 &)");
        CageProcess[] now = [];
        TestStore.Wait(() => (now = [.. _test.Engine.GetProcesses(web.Info)]) is [_, { CommandLine: "sleep 1000" }]);
        Assert.Equal([true, false], now.Select(process => process.IsInit));
        if (isolation == CageIsolation.Jail) Assert.Equal(web.Info.ProcessId, now[1].ParentId);
    }

    [CageFact]
    public void The_init_holds_nothing_of_the_hosts()
    {
        using RunningCage web = _test.Start(NewCage(CageIsolation.Jail));
        string proc = $"/proc/{web.Info.ProcessId}";
        // It closes what it built with just after it has said that it is ready.
        string[] open = [];
        TestStore.Wait(() => (open =
            [.. Directory.GetFiles($"{proc}/fd").Select(path => Files.ReadLink(path) ?? "").Where(target => !target.StartsWith("pipe:", StringComparison.Ordinal)).Order()]).Length == 3);
        Assert.Equal(["/dev/null", "/dev/null", "/dev/null"], open);
        Assert.Equal("/", Files.ReadLink($"{proc}/cwd"));
        Assert.Equal("", File.ReadAllText($"{proc}/environ"));
        Assert.Equal(["cage", "init", "web"], File.ReadAllText($"{proc}/cmdline").TrimEnd('\0').Split('\0'));
        // Its /dev/null is the cage's.
        Assert.Equal(Shell.Run($"stat -Lc %d:%i {proc}/root/dev/null"), Shell.Run($"stat -Lc %d:%i {proc}/fd/0"));
    }

    /// <summary>CVE-2019-5736: through /proc/1/exe a cage must not reach the host's program.</summary>
    [CageTheory]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void The_hosts_program_cannot_be_written_from_inside(CageIsolation isolation)
    {
        using RunningCage web = _test.Start(NewCage(isolation));
        long length = new FileInfo(CageProgram.RequiredPath).Length;
        string proc = isolation == CageIsolation.Jail ? "/proc/1" : $"/proc/{web.Info.ProcessId}";
        // Not "text file busy", which ends with the last process that runs it.
        CommandResult result = _test.Run(web.Info, TestStore.Command("/bin/sh", "-c", $": >{proc}/exe"));
        Assert.NotEqual(0, result.Status);
        Assert.Contains(isolation == CageIsolation.Jail ? "Permission denied" : "Read-only file system", result.Error);
        result = _test.Run(web.Info, TestStore.Command("/bin/sh", "-c", $"mount -o remount,bind,rw {proc}/exe && echo x >>{proc}/exe"));
        Assert.NotEqual(0, result.Status);
        Assert.Equal(length, new FileInfo(CageProgram.RequiredPath).Length);
    }

    [CageFact]
    public void What_is_mounted_and_unmounted_inside_stays_inside() => MountNamespace.Run(folder =>
    {
        MountNamespace.Mount(null, folder, null, MountNamespace.MS_SHARED);
        string outside = Directory.CreateDirectory($"{folder}/outside").FullName;
        using TestStore test = new(Directory.CreateDirectory($"{folder}/s").FullName);
        CageRecord record = test.Change(test.NewCage(root, CageIsolation.Jail), new CagePrivileges { CapabilityAdd = ["SYS_ADMIN"] });
        using RunningCage web = test.Start(record);
        // Below the test's own folder: elsewhere other tests mount and unmount.
        int count = MountTable.Read().Beneath(folder).Count();
        test.Sh(web.Info, "mount -t tmpfs x /var; umount /dev/shm /dev/pts; umount -l /proc; mount -t proc proc /proc");
        Assert.Equal(count, MountTable.Read().Beneath(folder).Count());
        Assert.DoesNotContain(MountTable.Read(), mount => mount.MountPoint == "/var" && mount.Source == "x");
        MountNamespace.Mount("x", outside, "tmpfs");
        Assert.DoesNotContain("outside", test.Sh(web.Info, "cat /proc/self/mountinfo"));
        Mounts.Unmount(outside);
        test.Stop(record);
        test.AssertNothingLeft(record);
    });

    [CageTheory]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void Without_a_base_over_the_live_host_and_with_the_hosts_devices(CageIsolation isolation)
    {
        CageRecord alone = _test.Create(new NewCage { Name = "alone", Isolation = isolation }).Record;
        Shell.Run("cp -a \"$from/.\" \"$to\"", ("from", root.Path), ("to", alone.RootPath));
        using (RunningCage cage = _test.Start(alone))
        {
            Assert.NotEqual("overlay", Inside(cage.Info)[0].Type);
            _test.Sh(cage.Info, "echo x >/etc/new");
            Assert.True(File.Exists($"{alone.RootPath}/etc/new"));
        }
        CageRecord live = _test.Create(new NewCage { Name = "live", Base = [_test.NewBase("/", "host")], Isolation = isolation, Device = DeviceView.Host }).Record;
        if (Files.FileSystemType("/") == Files.OVERLAYFS_SUPER_MAGIC) return;
        using (RunningCage cage = _test.Start(live))
        {
            Assert.Equal("devtmpfs", Inside(cage.Info).Single(mount => mount.MountPoint == "/dev").Type);
            Assert.Equal("ptmx", _test.Sh(cage.Info, "ls /dev/pts"));
            Assert.Equal(Shell.Run("cat /etc/passwd").TrimEnd('\n'), _test.Sh(cage.Info, "cat /etc/passwd"));
        }
        _test.AssertNothingLeft(alone);
        _test.AssertNothingLeft(live);
    }

    [CageFact]
    public void The_hosts_resolver_is_shared_read_only_and_its_own_is_kept()
    {
        if (!File.Exists("/etc/resolv.conf")) return;
        string host = File.ReadAllText("/etc/resolv.conf").TrimEnd('\n');
        CageRecord record = NewCage(CageIsolation.Jail);
        for (int start = 0; start < 2; start++)
        {
            using RunningCage web = _test.Start(record);
            Assert.Equal(host, _test.Sh(web.Info, "cat /etc/resolv.conf"));
            Assert.NotEqual(0, _test.Run(web.Info, TestStore.Command("/bin/sh", "-c", "echo x >>/etc/resolv.conf")).Status);
            Assert.Equal(host, File.ReadAllText("/etc/resolv.conf").TrimEnd('\n'));
        }
        // What the start made to mount on is an empty file, which is not the cage's own.
        Assert.Equal(0, new FileInfo($"{record.RootPath}/etc/resolv.conf").Length);
        File.WriteAllText($"{record.RootPath}/etc/resolv.conf", "nameserver 192.0.2.1\n");
        using (RunningCage web = _test.Start(record))
        {
            Assert.Equal("nameserver 192.0.2.1", _test.Sh(web.Info, "cat /etc/resolv.conf; echo x >>/etc/resolv.conf"));
            Assert.DoesNotContain(Inside(web.Info), mount => mount.MountPoint == "/etc/resolv.conf");
        }
        _test.AssertNothingLeft(record);
    }

    /// <summary>As systemd-resolved and others leave it: a link into /run, which is empty in a cage.</summary>
    [CageTheory]
    [InlineData("../run/systemd/resolve/stub-resolv.conf", "/run/systemd/resolve/stub-resolv.conf")]
    [InlineData("/run/resolvconf/resolv.conf", "/run/resolvconf/resolv.conf")]
    [InlineData("/run/resolv.conf", "/run/resolv.conf")]
    [InlineData("real.conf", "/etc/real.conf")]
    public void A_resolver_behind_a_link_in_the_base_is_laid_where_the_link_leads(string link, string place)
    {
        if (!File.Exists("/etc/resolv.conf")) return;
        CageRecord layer = _test.NewLayer("linked", _test.NewBase(root.Path));
        Directory.CreateDirectory($"{layer.RootPath}/etc");
        File.CreateSymbolicLink($"{layer.RootPath}/etc/resolv.conf", link);
        File.WriteAllText($"{layer.RootPath}/etc/real.conf", "old\n");
        CageRecord record = _test.Create(new NewCage { Name = "web", Base = [layer.Id], Isolation = CageIsolation.Jail }).Record;
        using RunningCage web = _test.Start(record);
        Assert.Equal(File.ReadAllText("/etc/resolv.conf").TrimEnd('\n'), _test.Sh(web.Info, "cat /etc/resolv.conf"));
        Assert.Contains(Inside(web.Info), mount => mount.MountPoint == place);
        Assert.Equal(link, _test.Sh(web.Info, "readlink /etc/resolv.conf"));
    }

    [CageTheory]
    [InlineData("/nowhere/resolv.conf")]
    [InlineData("../../../../../../tmp/outside/resolv.conf")]
    [InlineData("resolv.conf")]
    [InlineData("/proc/self/root/etc/passwd")]
    public void A_resolver_behind_another_link_does_not_keep_it_from_starting(string link)
    {
        CageRecord layer = _test.NewLayer("linked", _test.NewBase(root.Path));
        Directory.CreateDirectory($"{layer.RootPath}/etc");
        File.CreateSymbolicLink($"{layer.RootPath}/etc/resolv.conf", link);
        CageRecord record = _test.Create(new NewCage { Name = "web", Base = [layer.Id], Isolation = CageIsolation.Jail }).Record;
        using RunningCage web = _test.Start(record);
        Assert.Equal("small", _test.Sh(web.Info, "cat /etc/base"));
        Assert.Equal(link, _test.Sh(web.Info, "readlink /etc/resolv.conf"));
    }

    [CageFact]
    public void A_cage_without_etc_has_no_resolver()
    {
        CageRecord bare = _test.Create(new NewCage { Name = "bare", Isolation = CageIsolation.Jail }).Record;
        using (RunningCage cage = _test.Start(bare))
            Assert.DoesNotContain(_test.Engine.GetMounts(cage.Info), mount => mount.Target.Contains("resolv", StringComparison.Ordinal));
        Assert.Equal(["dev", "proc", "run", "sys", "tmp"], Directory.GetDirectories(bare.RootPath).Select(Path.GetFileName).Order());
        _test.AssertNothingLeft(bare);
    }

    /// <summary>A link in the files of a cage must not lead a mount out of it.</summary>
    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void A_mount_target_that_is_a_link_is_followed_inside_only(CageIsolation isolation)
    {
        string outside = Directory.CreateDirectory($"{_test.Folder}/outside").FullName;
        CageRecord record = NewCage(isolation);
        Directory.Delete($"{record.RootPath}/tmp");
        File.CreateSymbolicLink($"{record.RootPath}/tmp", $"../../../../../../../../../..{outside}");
        // Inside, that path is not there: it is refused. With the path made inside too, it is mounted there.
        CageException e = Assert.Throws<CageException>(() => _test.Engine.Start(record));
        Assert.Contains("/tmp", e.Message);
        _test.AssertNothingLeft(record);
        Directory.CreateDirectory(record.RootPath + outside);
        File.Delete($"{record.RootPath}/tmp");
        Directory.CreateDirectory($"{record.RootPath}/real{outside}");
        Directory.Move($"{record.RootPath}/real", $"{record.RootPath}/unused");
        File.CreateSymbolicLink($"{record.RootPath}/tmp", "../../../unused/../unused");
        using RunningCage web = _test.Start(record);
        Assert.Contains(_test.Engine.GetMounts(web.Info), mount => mount.Target == "/unused" && mount.Type == "tmpfs");
        Assert.DoesNotContain(MountTable.Read(), mount => mount.MountPoint.StartsWith(outside, StringComparison.Ordinal));
    }

    [CageFact]
    public void Many_cages_run_at_once_and_know_nothing_of_each_other()
    {
        Guid below = _test.NewBase(root.Path);
        CageRecord[] records = [.. Enumerable.Range(0, 12).Select(i => _test.Create(new NewCage { Name = $"n{i}", Base = [below], Isolation = (CageIsolation)(i % 3) }).Record)];
        RunningCage[] running = [.. records.Select(_test.Start)];
        try
        {
            for (int i = 0; i < records.Length; i++) _test.Sh(running[i].Info, $"echo {i} >/tmp/id; echo {i} >/etc/id");
            for (int i = 0; i < records.Length; i++)
            {
                Assert.Equal($"{i} {i}", _test.Sh(running[i].Info, "echo $(cat /tmp/id /etc/id)"));
                if (records[i].Isolation != CageIsolation.Chroot) Assert.Equal(Expected.Order(StringComparer.Ordinal), WithoutCovers(Inside(running[i].Info)).Select(Brief).Order(StringComparer.Ordinal));
            }
            Assert.Equal(records.Length, _test.Engine.List().Count(cage => cage.State == CageState.Running));
        }
        finally
        {
            foreach (RunningCage cage in running) cage.Dispose();
        }
        foreach (CageRecord record in records) _test.AssertNothingLeft(record);
    }

    /// <summary>A list of all may meet one that was stopped since its name was read.</summary>
    [CageTheory]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void One_that_has_ended_meanwhile_has_no_mounts(CageIsolation isolation)
    {
        CageRecord record = NewCage(isolation);
        using RunningCage web = _test.Start(record);
        CageInfo before = web.Info;
        Processes.Kill(before.ProcessId!.Value, Processes.SIGKILL);
        TestStore.Wait(() => _test.Engine.Look(record).State == CageState.Stopped);
        Assert.Empty(_test.Engine.GetMounts(before));
    }
}
