using System.Globalization;
using System.Runtime.InteropServices;
using Cage.Engine.Plans;
using Cage.Engine.Runtime;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>A Jail with a user namespace: root inside is nobody outside, and what it writes has sane owners on the disk.</summary>
public sealed partial class UserNamespaceTests(SmallRoot root) : SmallRootTests(root)
{
    private const uint NS_GET_USERNS = 0xb701;

    private static readonly CagePrivileges _auto = new() { UserNamespace = IdRange.Auto };

    private CageRecord Mapped(string name = "web", Func<NewCage, NewCage>? change = null)
    {
        NewCage request = new() { Name = name, Base = [_test.NewBase(Root.Path)], Privileges = _auto };
        return _test.Create(change is null ? request : change(request)).Record;
    }

    private static IdRange RangeOf(CageRecord record) => record.Privileges.UserNamespace!;

    private static string Owner(string path)
    {
        FileStatus status = Files.Status(path)!.Value;
        return $"{status.Uid}:{status.Gid}";
    }

    private static string Status(int pid, string key) => File.ReadLines($"/proc/{pid}/status").First(line => line.StartsWith($"{key}:", StringComparison.Ordinal)).Split('\t')[1];

    [CageFact]
    public void Root_inside_is_nobody_outside()
    {
        CageRecord record = Mapped();
        IdRange range = RangeOf(record);
        Assert.Equal((false, IdRange.DefaultCount), (range.IsAuto, range.Count));
        using RunningCage web = _test.Start(record);
        Assert.Equal("0 0", _test.Sh(web.Info, "echo $(id -u) $(id -g)"));
        Assert.Equal($"0 {range.First} {range.Count}", _test.Sh(web.Info, "echo $(cat /proc/self/uid_map)"));
        Assert.Equal($"0 {range.First} {range.Count}", _test.Sh(web.Info, "echo $(cat /proc/self/gid_map)"));
        _test.Sh(web.Info, $"setsid sleep 1000 {Quiet} &");
        int sleeper = _test.Engine.GetProcesses(web.Info).Single(process => process.Id != web.Info.ProcessId).Id;
        foreach (string key in (string[])["Uid", "Gid"])
            Assert.Equal(range.First.ToString(CultureInfo.InvariantCulture), Status(sleeper, key));
        Assert.NotEqual(Files.ReadLink("/proc/self/ns/user"), Files.ReadLink($"/proc/{sleeper}/ns/user"));
        // The init stays outside: nobody inside can end or trace it.
        Assert.Equal("0", Status(web.Info.ProcessId!.Value, "Uid"));
        Assert.Contains("Operation not permitted", _test.Run(web.Info, TestStore.Command("/bin/bash", "-c", "kill -9 1")).Error);
        Assert.NotEqual(0, _test.Run(web.Info, TestStore.Command("/bin/ls", "/proc/1/root")).Status);
        Assert.Empty(_test.Stop(record));
        _test.AssertNothingLeft(record);
    }

    [CageFact]
    public void Files_have_on_the_disk_the_owners_that_they_have_inside()
    {
        CageRecord record = Mapped();
        IdRange range = RangeOf(record);
        using RunningCage web = _test.Start(record);
        Assert.Equal("0:0 0:0 1000:1000", _test.Sh(web.Info, "echo $(stat -c %u:%g / /etc/passwd /home/alice)"));
        _test.Sh(web.Info, "echo new >/etc/new; echo changed >>/etc/base; mkdir /var/own");
        Assert.Equal(0, _test.Run(web.Info, TestStore.Command("/bin/sh", "-c", "echo hers >/home/alice/hers") with { User = "alice" }).Status);
        Assert.Equal("0:0 1000:1000 0:0", _test.Sh(web.Info, "echo $(stat -c %u:%g /etc/new /home/alice/hers /var/own)"));
        foreach ((string path, string owner) in ((string, string)[])[("etc/new", "0:0"), ("etc/base", "0:0"), ("var/own", "0:0"), ("home/alice/hers", "1000:1000"), ("home/alice", "1000:1000")])
            Assert.Equal((path, owner), (path, Owner($"{record.RootPath}/{path}")));
        Assert.Equal($"{range.First}:{range.First}", Owner($"{web.Info.RootPath}/etc/new"));
        Assert.Equal("small\n", File.ReadAllText($"{Root.Path}/etc/base"));
        // Without it the same files are there, with the same owners.
        _test.Stop(record);
        record = _test.Change(record, new CagePrivileges());
        Assert.DoesNotContain("userns", File.ReadAllText(record.ConfPath));
        using RunningCage plain = _test.Start(record);
        Assert.Equal("0:0 1000:1000", _test.Sh(plain.Info, "echo $(stat -c %u:%g /etc/new /home/alice/hers)"));
    }

    [CageFact]
    public void What_belongs_to_no_id_of_its_own_is_nobodys()
    {
        CageRecord layer = _test.NewLayer("foreign");
        Shell.Run("install -m 644 -o 70000 -g 70000 /dev/null \"$root/foreign\"", ("root", layer.RootPath));
        CageRecord record = Mapped(change: request => request with { Base = [layer.Id, .. request.Base] });
        using RunningCage web = _test.Start(record);
        Assert.Equal("65534:65534", _test.Sh(web.Info, "stat -c %u:%g /foreign"));
        Assert.NotEqual(0, _test.Run(web.Info, TestStore.Command("/bin/sh", "-c", "echo x >>/foreign")).Status);
        Assert.Equal("70000:70000", Owner($"{layer.RootPath}/foreign"));
    }

    [CageFact]
    public void What_is_made_for_it_is_its_roots()
    {
        CageRecord record = Mapped(change: request => request with { Tmpfs = [CageTmpfs.Parse("/cache")] });
        using RunningCage web = _test.Start(record);
        foreach (string path in (string[])["/dev", "/dev/null", "/dev/tty", "/dev/fd", "/dev/shm", "/tmp", "/run", "/cache", "/proc/self/status"])
            Assert.Equal($"{path} 0:0", _test.Sh(web.Info, $"stat -c '%n %u:%g' {path}"));
        _test.Sh(web.Info, "echo x >/dev/null; echo x >/run/x; echo x >/tmp/x; echo x >/dev/shm/x; mkdir /dev/own");
        // Opened by their names: anonymous pipes are the host's root's otherwise.
        CommandResult said = _test.Run(web.Info, TestStore.Command("/bin/sh", "-c", "echo out >/dev/stdout; echo error >/dev/stderr") with { User = "alice" });
        Assert.Equal((0, "out\n", "error\n"), (said.Status, said.Output, said.Error));
        (Descriptor leader, Descriptor peer) = _test.Engine.OpenTerminal(web.Info);
        using (leader)
        using (peer)
        {
            using SpawnedProcess process = _test.Engine.Run(web.Info, TestStore.Command("/bin/sh", "-c", "[ \"$(stat -Lc %u:%g /dev/pts/0)\" = 1000:5 ] && : >/dev/pts/0") with { User = "alice", Descriptors = [peer, peer, peer], OwnTerminal = true });
            Assert.Equal(0, Processes.Wait(process.Id).ExitStatus);
        }
    }

    [CageFact]
    public void Devices_have_the_owners_that_its_accounts_know()
    {
        CageRecord record = Mapped(change: request => request with { Devices = ["zero:uid=1000,gid=5,mode=0600"] });
        using (RunningCage web = _test.Start(record)) Assert.Equal("1000:5 600", _test.Sh(web.Info, "stat -c '%u:%g %a' /dev/zero"));
        record = _test.Engine.Change(record, before => before with { Devices = ["zero:uid=70000"] }).Record;
        CageException e = Assert.Throws<CageException>(() => _test.Engine.Start(record));
        Assert.Contains("EOVERFLOW", e.Message);
        Assert.Contains("the user namespace ends at 65535", e.Message);
        _test.AssertNothingLeft(record);
    }

    [CageFact]
    public void Privileges_are_those_of_a_jail_and_count_inside_only()
    {
        using RunningCage web = _test.Start(Mapped());
        string Sets(string user) => string.Join(' ', _test.Run(web.Info, TestStore.Command("/bin/cat", "/proc/self/status") with { User = user }).Output
            .Split('\n').Where(line => line.StartsWith("Cap", StringComparison.Ordinal) || line.StartsWith("Seccomp:", StringComparison.Ordinal) || line.StartsWith("NoNewPrivs", StringComparison.Ordinal)).Select(line => line.Split('\t')[1].TrimStart('0').PadLeft(1, '0')));
        Assert.Equal("0 800405fb 800405fb 800405fb 0 1 2", Sets("root"));
        Assert.Equal("0 0 0 800405fb 0 1 2", Sets("alice"));
        Assert.Equal("1001 100 100 29\n", _test.Run(web.Info, TestStore.Command("/bin/sh", "-c", "echo $(id -u) $(id -g) $(id -G)") with { User = "bob" }).Output);
        Assert.Equal("0", _test.Sh(web.Info, "cat /proc/self/oom_score_adj"));
        Assert.Equal("0022 1024", _test.Sh(web.Info, "echo $(umask) $(ulimit -n)"));
    }

    [CageFact]
    public void Ids_that_it_has_not_are_refused()
    {
        CageRecord record = Mapped(change: request => request with { Privileges = new CagePrivileges { UserNamespace = IdRange.Parse("1000000:1001") } });
        using RunningCage web = _test.Start(record);
        Assert.Equal("1000", _test.Run(web.Info, TestStore.Command("/bin/sh", "-c", "id -u") with { User = "alice" }).Output.Trim());
        foreach (string user in (string[])["bob", "2000", "0:5000"])
        {
            CageException e = Assert.Throws<CageException>(() => _test.Run(web.Info, TestStore.Command("/bin/true") with { User = user }));
            Assert.Equal(CageError.CageArgumentInvalid, e.Error);
            Assert.Contains("ends at 1000", e.Message);
        }
    }

    [CageFact]
    public void A_cage_without_layers_and_a_read_only_start_have_it_too()
    {
        CageRecord record = _test.Create(new NewCage { Name = "whole", Privileges = _auto }).Record;
        Shell.Run("cp -a \"$from/.\" \"$to\"", ("from", Root.Path), ("to", record.RootPath));
        using (RunningCage whole = _test.Start(record))
        {
            Assert.Equal("0:0 1000:1000", _test.Sh(whole.Info, "echo new >/etc/new; echo $(stat -c %u:%g /etc/new /home/alice)"));
            Assert.Equal("0:0", Owner($"{record.RootPath}/etc/new"));
        }
        CageRecord over = Mapped();
        _test.Start(over).Dispose();
        _test.Engine.Start(over, new StartOptions { ReadOnly = true });
        CageInfo running = _test.Look(over);
        Assert.Equal("0:0", _test.Sh(running, "stat -c %u:%g /etc/base"));
        Assert.NotEqual(0, _test.Run(running, TestStore.Command("/bin/touch", "/etc/x")).Status);
        _test.Stop(over);
    }

    /// <summary>The ways in which older kernels take their layers.</summary>
    [CageTheory]
    [InlineData(1)]
    [InlineData(2)]
    public void Older_ways_of_mounting_take_idmapped_layers(int way)
    {
        string folder = Directory.CreateDirectory($"{_test.Folder}/o{way}").FullName;
        foreach (string name in (string[])["upper", "work", "mnt"]) Directory.CreateDirectory($"{folder}/{name}");
        using UserNamespace users = UserNamespace.Make(1000000, 65536, withNetwork: false);
        MountNamespace.Run(() =>
        {
            UserNamespace.ActAs(1000000);
            using StepContext context = new() { Users = users.Users };
            new MountOverlay([Root.Path], $"{folder}/upper", $"{folder}/work", $"{folder}/mnt", Mapped: MappedLayers.All) { First = (OverlayWay)way }.Do(context);
            Assert.Equal("1000000:1000000", Owner($"{folder}/mnt/etc/base"));
            File.WriteAllText($"{folder}/mnt/etc/new", "");
            Assert.Equal("1000000:1000000", Owner($"{folder}/mnt/etc/new"));
        });
        Assert.Equal("0:0", Owner($"{folder}/upper/etc/new"));
    }

    [CageFact]
    public void A_network_of_its_own_belongs_to_it()
    {
        CageRecord record = Mapped(change: request => request with { Network = new CageNetwork { Mode = NetworkMode.None } });
        using RunningCage web = _test.Start(record);
        _test.Sh(web.Info, $"setsid sleep 1000 {Quiet} &");
        int sleeper = _test.Engine.GetProcesses(web.Info).Single(process => process.Id != web.Info.ProcessId).Id;
        Assert.NotEqual(Files.ReadLink("/proc/self/ns/net"), Files.ReadLink($"/proc/{sleeper}/ns/net"));
        Assert.Equal(Files.ReadLink($"/proc/{web.Info.ProcessId}/ns/net"), Files.ReadLink($"/proc/{sleeper}/ns/net"));
        using Descriptor network = Files.Open($"/proc/{sleeper}/ns/net", Files.O_RDONLY);
        using Descriptor owner = new(ioctl(network.Number, NS_GET_USERNS));
        Assert.Equal(Files.ReadLink($"/proc/{sleeper}/ns/user"), Files.ReadLink(owner.ProcPath));
        // All others are the host's, so that its root can change nothing of them.
        foreach (string kind in (string[])["mnt", "pid", "uts", "ipc", "cgroup"])
        {
            using Descriptor space = Files.Open($"/proc/{sleeper}/ns/{kind}", Files.O_RDONLY);
            using Descriptor host = new(ioctl(space.Number, NS_GET_USERNS));
            Assert.Equal((kind, Files.ReadLink("/proc/self/ns/user")), (kind, Files.ReadLink(host.ProcPath)));
        }
    }

    [CageFact]
    public void The_start_script_is_its_roots()
    {
        CageRecord record = Mapped();
        File.WriteAllText($"{record.Path}/up", "#!/bin/sh\nid -u; cat /proc/self/uid_map; echo x >/etc/started\n");
        record = _test.SetKey(record, "start", "up");
        using (_test.Start(record)) Assert.Equal("0:0", Owner($"{record.RootPath}/etc/started"));
        Assert.Contains($"{RangeOf(record).First}", File.ReadAllText($"{record.Path}/up.log"));
    }

    [CageFact]
    public void Each_cage_has_its_own_range()
    {
        CageRecord one = Mapped("one"), two = Mapped("two");
        Assert.False(RangeOf(one).Overlaps(RangeOf(two)));
        // Who has one keeps it, whoever it is asked for.
        Assert.Equal(RangeOf(one), RangeOf(_test.Change(one, _auto)));
        CageRecord copy = _test.Engine.Copy(one, "copy").Record;
        Assert.DoesNotContain(RangeOf(copy), (IdRange[])[RangeOf(one), RangeOf(two)]);
        Assert.Equal(RangeOf(copy), RangeOf(_test.Store.Get(copy.Id)!));
        CageException e = Assert.Throws<CageException>(() => _test.Change(one, new CagePrivileges { UserNamespace = new IdRange(RangeOf(two).First + 100, 10) }));
        Assert.Equal(CageError.CageArgumentInvalid, e.Error);
        Assert.Contains("\"two\"", e.Message);
        using RunningCage running = _test.Start(one);
        Assert.Equal(CageError.CageAlreadyRunning, Assert.Throws<CageException>(() => _test.Change(one, new CagePrivileges())).Error);
    }

    [CageFact]
    public void Cages_that_are_not_kept_have_their_own_and_leave_nothing()
    {
        _test.NewBase(Root.Path);
        HashSet<string> seen = [];
        List<CageInfo> runs = [];
        EphemeralCage Run()
        {
            EphemeralCage run = _test.Engine.StartEphemeral(["base"], CageIsolation.Jail, record => record with { Privileges = _auto });
            _test.Ids.Add(run.Info.Id);
            runs.Add(run.Info);
            Assert.True(seen.Add(_test.Sh(run.Info, "echo x >/etc/new; echo $(cat /proc/self/uid_map)")), "two have the same range");
            Assert.Equal("0:0", _test.Sh(run.Info, "stat -c %u:%g /etc/new"));
            return run;
        }
        using (Run())
        using (Run())
        using (Run()) Assert.Equal(3, seen.Count);
        Assert.All(runs, cage => Assert.Null(Leftovers.GroupOf(cage.Id)));
        Assert.Empty(_test.Mounted());
    }

    [Fact]
    public void Ranges_come_from_what_the_host_has_set_aside()
    {
        (IReadOnlyList<IdRange> given, IReadOnlyList<IdRange> others) = IdPool.Given("alice:100000:65536\ncage:300000:200000\nnonsense\ncage:0:5\n", "cage:365536:1000000\nbob:200000:65536\n");
        Assert.Equal([new IdRange(365536, 134464)], given);
        Assert.Equal([new IdRange(100000, 65536), new IdRange(200000, 65536)], others);
        Assert.Equal(new IdRange(365536, 65536), IdPool.Free(given, []));
        Assert.Equal(new IdRange(431072, 65536), IdPool.Free(given, [new IdRange(365536, 1)]));
        Assert.Null(IdPool.Free(given, [new IdRange(365536, 1), new IdRange(496607, 5)]));
        IdRange first = IdPool.Free([], [])!;
        Assert.Equal(0x70000000u, first.First);
        Assert.Equal(first.End, IdPool.Free([], [first])!.First);
        Assert.Null(IdPool.Free([], [new IdRange(0x70000000, 0x10000000)]));
    }

    [Theory]
    [InlineData("1000000:65536", "1000000:65536")]
    [InlineData("1000000", "1000000:65536")]
    [InlineData("0:65536", null)]
    [InlineData("65535:10", null)]
    [InlineData("1000000:0", null)]
    [InlineData("4294967290:100", null)]
    [InlineData("x", null)]
    [InlineData("1000000:5:6", null)]
    public void A_range_is_written_as_two_numbers(string text, string? expected)
    {
        if (expected is null) Assert.Throws<FormatException>(() => IdRange.Parse(text));
        else Assert.Equal(expected, IdRange.Parse(text).ToString());
    }

    [CageFact]
    public void What_it_could_not_have_is_refused()
    {
        foreach (CageIsolation isolation in (CageIsolation[])[CageIsolation.Chroot, CageIsolation.Pivot])
            Assert.Contains("jail", Assert.Throws<CageException>(() => Mapped(change: request => request with { Isolation = isolation })).Message);
        CageRecord record = Mapped();
        foreach (string value in (string[])["auto", "0:65536", "1:2:3", ""])
        {
            string before = File.ReadAllText(record.ConfPath);
            File.WriteAllText(record.ConfPath, before.Replace($"userns={RangeOf(record)}", $"userns={value}", StringComparison.Ordinal));
            Assert.Contains("userns", Assert.Throws<CageException>(() => CageRecord.Read(record.Path)).Message);
            File.WriteAllText(record.ConfPath, before);
        }
        using RunningCage web = _test.Start(record);
        CageException e = Assert.Throws<CageException>(() => _test.Engine.CopyAccounts(record, new Cage.Engine.Roots.AccountQuery { Names = ["root"] }));
        Assert.Equal(CageError.CageAlreadyRunning, e.Error);
    }

    /// <summary>ramfs has none of the flags that idmapped mounts need.</summary>
    [CageFact]
    public void A_file_system_that_cannot_is_refused_with_what_to_do()
    {
        string folder = Directory.CreateDirectory($"{_test.Folder}/ram").FullName;
        Shell.Run("mount -t ramfs ramfs \"$folder\"", ("folder", folder));
        try
        {
            Directory.CreateDirectory($"{folder}/layer/etc");
            CageRecord record = _test.Create(new NewCage { Name = "ram", Base = [_test.NewBase($"{folder}/layer", "layer")], Privileges = _auto }).Record;
            CageException e = Assert.Throws<CageException>(() => _test.Engine.Start(record));
            Assert.Contains($"{folder}/layer", e.Message);
            Assert.Contains("EINVAL", e.Message);
            Assert.Contains("idmapped", e.Advice);
            _test.AssertNothingLeft(record);
        }
        finally
        {
            Shell.Run("umount \"$folder\"", ("folder", folder));
        }
    }

    [CageFact]
    public void A_bind_has_mapped_owners_when_it_is_to()
    {
        string shared = Directory.CreateDirectory($"{_test.Folder}/shared").FullName;
        File.WriteAllText($"{shared}/roots", "x");
        Shell.Run("chmod 700 \"$shared\"; install -o 1000 -g 1000 /dev/null \"$shared/alices\"", ("shared", shared));
        CageRecord record = Mapped(change: request => request with { Binds = [CageBind.Parse($"{shared}:/plain"), CageBind.Parse($"{shared}:/mapped:idmap")] });
        using (RunningCage web = _test.Start(record))
        {
            Assert.Equal("65534:65534", _test.Sh(web.Info, "stat -c %u:%g /plain"));
            Assert.NotEqual(0, _test.Run(web.Info, TestStore.Command("/bin/ls", "/plain")).Status);
            Assert.Equal("0:0 0:0 1000:1000", _test.Sh(web.Info, "echo $(stat -c %u:%g /mapped /mapped/roots /mapped/alices)"));
            _test.Sh(web.Info, "echo new >/mapped/new");
            Assert.Equal("0:0", Owner($"{shared}/new"));
            Assert.Contains(_test.Engine.GetMounts(web.Info), mount => mount.Target == "/mapped" && mount.Options.Contains("idmapped", StringComparison.Ordinal));
        }
        Assert.Contains($"bind={shared}:/mapped:idmap", File.ReadAllText(record.ConfPath));
        CageException e = Assert.Throws<CageException>(() => _test.Create(new NewCage { Name = "none", Binds = [CageBind.Parse($"{shared}:/mapped:idmap")] }));
        Assert.Contains("--userns", e.Advice);
        Assert.Throws<CageException>(() => _test.Change(record, new CagePrivileges()));
    }

    [CageFact]
    public void The_plan_tells_of_it()
    {
        CageRecord record = Mapped(change: request => request with { Network = new CageNetwork { Mode = NetworkMode.None } });
        PlanLine[] lines = [.. _test.Engine.PlanStart(record).Lines];
        PlanLine users = lines.Single(line => line.Action.StartsWith("make a user namespace", StringComparison.Ordinal));
        Assert.Equal((StepSide.Host, $"0-65535 are {RangeOf(record).First}-{RangeOf(record).End - 1} outside"), (users.Side, users.Target));
        Assert.True(users.Order < lines.Single(line => line.Action.StartsWith("start the init", StringComparison.Ordinal)).Order);
        Assert.Contains(lines, line => line.Action.Contains("of idmapped layers", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Action == "make files as the cage's root" && line.Side == StepSide.Inside);
        Assert.DoesNotContain(_test.Engine.PlanStart(_test.NewCage(Root, CageIsolation.Jail, "plain")).Lines, line => line.Action.Contains("user namespace", StringComparison.Ordinal) || line.Action.Contains("idmapped", StringComparison.Ordinal));
    }

    [CageFact]
    public void It_is_suspended_and_killed_like_any_other()
    {
        CageRecord record = Mapped();
        using RunningCage web = _test.Start(record);
        _test.Sh(web.Info, $"setsid sleep 1000 {Quiet} &");
        _test.Engine.Suspend(record);
        Assert.Equal(CageState.Suspended, _test.Look(record).State);
        _test.Engine.Resume(record);
        Assert.Equal(2, _test.Engine.GetProcesses(_test.Look(record)).Count);
        Assert.True(_test.Engine.Measure(_test.Look(record)).Processes >= 2);
        Assert.Empty(_test.Stop(record, new StopOptions { Force = true }));
        _test.AssertNothingLeft(record);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(int file, uint request);
}
