using System.Reflection;
using Cage.Engine.Plans;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Tests;

/// <summary>A plan is data: what it says can be read without root, and what is read is what is done.</summary>
public sealed class PlanTests : IDisposable
{
    private const string Writable = "011868f2-c75f-49a0-b7ba-54a6f282419f", Upper = "aaaaaaaa-0000-4000-8000-000000000001", Lower = "bbbbbbbb-0000-4000-8000-000000000001";

    private readonly TestStore _test = new();

    public void Dispose() => _test.Dispose();

    private string Data => _test.Settings.Data;

    private CageRecord Add(string keys = "", string name = "web", string bases = $"base={Upper}\n")
    {
        Layer(Upper, $"base={Lower}\n");
        Layer(Lower, "");
        Directory.CreateDirectory($"{Data}/{Writable}.w/root");
        File.WriteAllText($"{Data}/{Writable}.w/cage.conf", $"uuid={Writable}\nname={name}\n{bases}root=root\nwork=work\nmountpoint=mnt\n{keys}");
        return _test.Store.Get(Guid.Parse(Writable))!;
    }

    private void Layer(string id, string bases)
    {
        Directory.CreateDirectory($"{Data}/{id}.r/root");
        File.WriteAllText($"{Data}/{id}.r/cage.conf", $"uuid={id}\nname={id[..4]}\n{bases}root=root\n");
    }

    private Plan Plan(CageRecord record) => _test.Engine.PlanStart(record);

    private string[] Lines(CageRecord record) => [.. Plan(record).Lines.Select(line => $"{line.Side} {line.Action} | {line.Target} | {line.Undo}")];

    private string Overlay => $"mount overlay (lowerdir={Data}/{Upper}.r/root:{Data}/{Lower}.r/root, upperdir={Data}/{Writable}.w/root, workdir={Data}/{Writable}.w/work, redirect_dir=on, index=off, metacopy=off, xino=auto) | {Data}/{Writable}.w/mnt | unmount {Data}/{Writable}.w/mnt";

    private static string Group => ControlGroup.Of(Guid.Parse(Writable))?.Path ?? "(no cgroup2 hierarchy is mounted)";

    private static string[] Folders(string side, params string[] more) =>
        [.. new[] { "proc", "sys", "dev", "tmp" }.Concat(more).Select(name => $"{side} make the folder if it is missing | /{name} | ")];

    private static readonly string[] _mounts =
    [
        "mount proc nosuid nodev noexec | /proc | unmount /proc",
        "mount sysfs nosuid nodev noexec | /sys | unmount /sys",
        "mount tmpfs nosuid noexec (mode=0755,size=1m) | /dev | unmount /dev",
        "make nodes (null zero full random urandom tty) and links (fd stdin stdout stderr ptmx) | /dev | ",
        "mount devpts nosuid noexec (newinstance,gid=5,mode=0620,ptmxmode=0666) | /dev/pts | unmount /dev/pts",
        "mount tmpfs nosuid nodev (mode=1777) | /dev/shm | unmount /dev/shm",
        "mount tmpfs nosuid nodev (mode=1777) | /tmp | unmount /tmp",
    ];

    [Fact]
    public void A_chroot_is_the_seeds_lines_on_the_hosts_side() =>
        Assert.Equal(
            [$"Host make the control group | {Group} | remove the control group", $"Host {Overlay}", .. Folders("Host"), .. _mounts.Select(line => $"Host {line}")],
            Lines(Add()));

    [Fact]
    public void A_pivot_is_made_inside_a_mount_namespace()
    {
        string[] lines = Lines(Add("isolation=pivot\n"));
        string[] expected =
        [
            $"Host make the control group | {Group} | remove the control group",
            "Host start the init in new namespaces (mount) | web | kill the init",
            $"Host note the init's number and start time | {_test.Settings.Run}/{Writable} | remove the note",
            "Inside make all mounts private | / | ",
            $"Inside {Overlay}", .. Folders("Inside", "run"), .. _mounts.Select(line => $"Inside {line}"),
            "Inside mount tmpfs nosuid nodev (mode=0755) | /run | unmount /run", .. Resolver(),
            "Inside pivot_root, detach the old root | / | ",
        ];
        Assert.Equal(expected, lines);
    }

    [Fact]
    public void A_jail_has_all_namespaces_a_host_name_and_a_sysfs_that_is_read_only()
    {
        string[] pivot = Lines(Add("isolation=pivot\n")), jail = Lines(Add("isolation=jail\n"));
        Assert.Equal("Host start the init in new namespaces (mount, pid, ipc, uts, cgroup) | web | kill the init", jail[1]);
        Assert.Equal("Inside set the host name | web | ", jail[^2]);
        Assert.StartsWith("Inside give up privileges: keep CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE SYS_CHROOT SETFCAP; no new privileges; system calls filtered; ", jail[^1]);
        Assert.StartsWith("Inside mount overlay nosuid nodev (", jail.Single(line => line.Contains("mount overlay", StringComparison.Ordinal)));
        Assert.Contains(jail, line => line.StartsWith("Inside hide what tells about the host | /proc/acpi ", StringComparison.Ordinal));
        Assert.Contains(jail, line => line.StartsWith("Inside make read-only what changes the host | /proc/bus ", StringComparison.Ordinal));
        Assert.Equal("Inside mount sysfs ro nosuid nodev noexec | /sys | unmount /sys", jail[Array.FindIndex(pivot, line => line.Contains("sysfs", StringComparison.Ordinal))]);
        string[] own = ["sysfs", "mount overlay", "hide what", "make read-only"];
        Assert.Equal(Shared(pivot), Shared(jail).SkipLast(2));

        IEnumerable<string> Shared(string[] lines) => lines.Where(line => !own.Any(word => line.Contains(word, StringComparison.Ordinal))).Skip(2);
    }

    private static string[] Resolver() =>
        !File.Exists("/etc/resolv.conf") ? [] : [$"Inside bind {new FileInfo("/etc/resolv.conf").ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? "/etc/resolv.conf"} ro | /etc/resolv.conf | unmount /etc/resolv.conf"];

    [Theory]
    [InlineData("nameserver 1", true)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void A_cages_own_resolver_is_kept_and_an_empty_one_is_only_a_place_to_mount(string? content, bool own)
    {
        CageRecord record = Add("isolation=jail\n");
        Directory.CreateDirectory($"{record.RootPath}/etc");
        if (content is not null) File.WriteAllText($"{record.RootPath}/etc/resolv.conf", content);
        Assert.Equal(own || Resolver().Length == 0, !Plan(record).Steps.OfType<ShareResolver>().Any());
    }

    [Fact]
    public void The_hosts_devices_are_there_only_on_request()
    {
        string[] lines = Lines(Add("device=host\n"));
        Assert.Contains("Host mount devtmpfs nosuid | /dev | unmount /dev", lines);
        Assert.DoesNotContain(lines, line => line.Contains("make nodes", StringComparison.Ordinal) || line.Contains("size=1m", StringComparison.Ordinal));
        Assert.Contains($"Host {_mounts[4]}", lines);
    }

    [Fact]
    public void Without_a_base_it_is_a_bind() =>
        Assert.Equal($"Host bind {Data}/{Writable}.w/root | {Data}/{Writable}.w/mnt | unmount {Data}/{Writable}.w/mnt", Lines(Add(bases: ""))[1]);

    [Fact]
    public void The_start_script_comes_last()
    {
        foreach (string isolation in new[] { "chroot", "pivot", "jail" })
            Assert.Equal($"Host run the start script inside | {Data}/{Writable}.w/up | ", Lines(Add($"isolation={isolation}\nstart=up\n"))[^1]);
        Assert.DoesNotContain(Lines(Add("start=\n")), line => line.Contains("script", StringComparison.Ordinal));
    }

    [Fact]
    public void Steps_are_numbered_and_host_and_inside_do_not_mix()
    {
        Plan plan = Plan(Add("isolation=jail\nstart=up\n"));
        Assert.Equal("web", plan.Cage);
        Assert.Equal(Enumerable.Range(1, plan.Steps.Count), plan.Lines.Select(line => line.Order));
        StepSide[] sides = [.. plan.Steps.Select(step => step.Side)];
        Assert.Equal(3, Array.IndexOf(sides, StepSide.Inside));
        Assert.Equal(sides.Length - 2, Array.LastIndexOf(sides, StepSide.Inside));
        Assert.DoesNotContain(StepSide.Host, sides[3..^1]);
        Assert.All(plan.Steps.Where(step => step.Side == StepSide.Inside), step => Assert.IsAssignableFrom<PortableStep>(step));
    }

    [Fact]
    public void A_plan_that_would_be_refused_is_no_plan()
    {
        CageRecord record = Add(bases: $"base={Upper}:{Guid.NewGuid()}\n");
        Assert.Equal(CageError.CageConfInvalid, Assert.Throws<CageException>(() => Plan(record)).Error);
        CageException e = Assert.Throws<CageException>(() => _test.Engine.PlanStart(_test.Store.Get(Guid.Parse(Upper))!));
        Assert.Contains("read-only", e.Message);
    }

    [Fact]
    public void Nothing_to_stop_is_an_empty_plan()
    {
        CageRecord record = Add();
        Directory.CreateDirectory(record.MountPath);
        Assert.Empty(_test.Engine.PlanStop(record).Steps);
        Assert.Empty(_test.Engine.PlanStop(_test.Store.Get(Guid.Parse(Lower))!).Steps);
    }

    [Theory]
    [InlineData("web", "web")]
    [InlineData("the_cage 1.2", "the-cage-1.2")]
    [InlineData("日本", "cage")]
    [InlineData("-.-", "cage")]
    [InlineData("a日b", "a-b")]
    [InlineData("../etc", "etc")]
    public void A_host_name_has_letters_digits_hyphens_and_dots(string name, string host)
    {
        Assert.Equal(host, StartPlanner.HostNameFor(name));
        Assert.Contains($"Inside set the host name | {host} | ", Lines(Add("isolation=jail\n", name)));
    }

    [Fact]
    public void A_host_name_has_at_most_64_bytes_and_no_hyphen_at_its_end()
    {
        Assert.Equal(new string('a', 64), StartPlanner.HostNameFor(new string('a', 200)));
        Assert.Equal(new string('a', 63), StartPlanner.HostNameFor(new string('a', 63) + "日本"));
    }

    private static readonly PortableStep[] _portable =
    [
        new IsolatePropagation(), new ActAsCageRoot(new IdRange(1000000, 65536)),
        new MountScratch("/run/cage"),
        new MountOverlay([], null, null, "", Pinned: false),
        new MountOverlay(["/a", "/日本 ,:\\\"", new string('x', 5000)], "/u", "/w", "/m", Mapped: MappedLayers.All),
        new BindRoot("/a b", "/c", Mounts.MOUNT_ATTR_RDONLY, Mapped: true),
        new MakeFolder("tmp", 0x3ff),
        new MountFileSystem("tmpfs", "dev", ulong.MaxValue, ["a=b", "c", ""]),
        new MakeDevices([]),
        new MakeDevices([new DeviceNode("net/tun", 0x21b6, 10, 200, 0, 5), new DeviceNode("loop0", 0x61b0, 7, 0, 0, 6)], ".log/socket"),
        new HidePaths(["proc/kcore", "sys/firmware"]),
        new ProtectPaths(["proc/sys"]),
        new ShareResolver("/etc/resolv.conf"),
        new ShareResolver("/etc/resolv.conf", "nameserver 192.0.2.1\n"), new MakePath("a/b"), new BindHost("/a b", "c", 5), new BindHost("/a b", "c", 5, Mapped: true), new RaiseLoopback(), new PivotRoot(),
        new NameHost("web"),
        new GiveUpPrivileges(new CagePrivileges { CapabilityAdd = ["NET_RAW"], CapabilityDrop = ["CHOWN", "KILL"], SystemCallAllow = ["bpf"], SystemCallDeny = ["mkdir"] }),
        new GiveUpPrivileges(new CagePrivileges { SystemCalls = SystemCallMode.Off }),
    ];

    [Fact]
    public void What_is_sent_to_an_init_is_what_it_gets()
    {
        WireWriter writer = new();
        foreach (PortableStep step in _portable) StepCodec.Write(writer, step);
        WireReader reader = new(writer.Bytes);
        foreach (PortableStep step in _portable)
        {
            PortableStep back = StepCodec.Read(ref reader);
            Assert.Equal(step.GetType(), back.GetType());
            foreach (PropertyInfo property in step.GetType().GetProperties().Where(property => property.Name != nameof(Step.Side)))
                if (property.GetValue(step) is CagePrivileges privileges) Assert.True(privileges.IsSameAs((CagePrivileges)property.GetValue(back)!));
                else Assert.Equal(property.GetValue(step), property.GetValue(back));
        }
    }

    /// <summary>A new kind of step that its author forgot to number would only fail in a cage.</summary>
    [Fact]
    public void Every_kind_of_portable_step_can_be_sent() =>
        Assert.Equal(
            typeof(PortableStep).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(PortableStep)) && !type.IsAbstract).Select(type => type.Name).Order(),
            _portable.Select(step => step.GetType().Name).Distinct().Order());

    [Theory]
    [InlineData(0L)]
    [InlineData(-1L)]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    public void Numbers_and_missing_texts_travel(long number)
    {
        WireReader reader = new(new WireWriter().Number(number).Text(null).Text("").Texts(["", "é"]).Bytes);
        Assert.Equal(number, reader.Number());
        Assert.Null(reader.OptionalText());
        Assert.Equal("", reader.OptionalText());
        Assert.Equal(["", "é"], reader.Texts());
    }
}
