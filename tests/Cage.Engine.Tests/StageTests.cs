using Cage.Engine.Plans;
using Cage.Engine.Runtime;
using Cage.Engine.State;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>What goes to an init in two messages, and what it does between them.</summary>
public sealed class StageTests : IDisposable
{
    private readonly StageChannel _host, _init;

    public StageTests()
    {
        (Descriptor ours, Descriptor theirs) = Channels.SocketPair();
        (_host, _init) = (new StageChannel(ours), new StageChannel(theirs));
    }

    public void Dispose()
    {
        _host.Dispose();
        _init.Dispose();
    }

    private static StepsAroundRoot Around(params PortableStep[] after) => new([new IsolatePropagation()], after);

    [Fact]
    public void What_is_around_the_root_comes_first_and_the_root_with_what_was_made_for_it()
    {
        StepsAroundRoot around = Around(new NameHost("web"), new MakeFolder("tmp", 0x3ff));
        BindRoot root = new("/source", "/place");
        using (Descriptor made = Files.Open("/", Files.O_PATH | Files.O_DIRECTORY))
        {
            _host.SendAround(around);
            _host.SendRoot(root, made);
        }
        StepsAroundRoot back = _init.ReceiveAround()!;
        Assert.Equal(around.Before, back.Before);
        Assert.Equal(around.After, back.After);
        Assert.Equal(root, _init.ReceiveRoot(out Descriptor? came));
        using (came) Assert.True(Files.Status(came!).IsSameFile(Files.StatusFollowed("/")!.Value));
    }

    [Fact]
    public void A_hosts_side_that_has_ended_is_noticed_at_either_message()
    {
        _host.SendAround(Around(new NameHost("web")));
        _host.Dispose();
        StepsAroundRoot around = _init.ReceiveAround()!;
        using StepContext context = new();
        Assert.Throws<OperationCanceledException>(() => CageInit.Arriving(_init, around, context).Count());
        Assert.Null(_init.ReceiveAround());
    }

    [RootFact]
    public void All_steps_come_in_order_and_what_the_host_made_is_there_when_its_step_is_carried_out()
    {
        _host.SendAround(Around(new NameHost("web"), new PivotRoot()));
        using (Descriptor made = Files.Open("/", Files.O_PATH | Files.O_DIRECTORY)) _host.SendRoot(new BindRoot("/source", "/place"), made);
        using StepContext context = new();
        List<string> seen = [];
        foreach (Step step in CageInit.Arriving(_init, _init.ReceiveAround()!, context)) seen.Add($"{step.GetType().Name} {context.Prepared is not null}");
        Assert.Equal(["IsolatePropagation False", "BindRoot True", "NameHost True", "PivotRoot True"], seen);
        context.Prepared!.Dispose();
    }

    /// <summary>By its place in the whole plan, before the root is known.</summary>
    [RootFact]
    public void A_step_that_cannot_be_readied_is_named()
    {
        using StepContext context = new();
        StepsAroundRoot around = Around(new NameHost("web"), new MountFileSystem("no-such-fs", "proc", 0, []));
        StepException e = Assert.Throws<StepException>(() => CageInit.Arriving(_init, around, context).Count());
        Assert.Equal((3, Errno.ENODEV, "/proc"), (e.Index, e.Cause.Number, e.Step.Target));
    }

    [RootFact]
    public void A_file_system_is_filled_before_there_is_a_root_and_attached_to_it() => MountNamespace.Run(folder =>
    {
        Directory.CreateDirectory($"{folder}/root/dev");
        Directory.CreateDirectory($"{folder}/mnt");
        using StepContext context = new();
        PortableStep[] steps = [new MountFileSystem("tmpfs", "dev", Mounts.MOUNT_ATTR_NOSUID, ["mode=0755"]), new MakeDevices(DeviceSet.Usual)];
        PortableStep[] left = Array.ConvertAll(steps, step => step.Ready(context));
        Assert.DoesNotContain(MountTable.Read(), mount => mount.MountPoint.StartsWith(folder + "/", StringComparison.Ordinal));
        BindRoot root = new($"{folder}/root", $"{folder}/mnt");
        root.Do(context);
        Assert.Empty(Directory.GetFileSystemEntries($"{folder}/mnt/dev"));
        foreach (PortableStep step in left) step.Do(context);
        Assert.Equal(1, MountTable.Read().Count(mount => mount.MountPoint == $"{folder}/mnt/dev"));
        File.WriteAllText($"{folder}/mnt/dev/null", "nothing");
        Assert.Equal("", File.ReadAllText($"{folder}/mnt/dev/null"));
        Assert.Equal("/proc/self/fd", File.ResolveLinkTarget($"{folder}/mnt/dev/fd", returnFinalTarget: false)!.FullName);
        for (int i = left.Length - 1; i >= 0; i--) left[i].Undo(context);
        root.Undo(context);
        Assert.DoesNotContain(MountTable.Read(), mount => mount.MountPoint.StartsWith(folder + "/", StringComparison.Ordinal));
    });

    /// <summary>What the cage's own files have in these places cannot be covered instead: it was found in the file system before that was there.</summary>
    [RootFact]
    public void What_is_to_be_covered_is_found_before_there_is_a_root() => MountNamespace.Run(folder =>
    {
        foreach (string name in new[] { "root/proc/sys", "root/sys/firmware", "root/dev", "mnt" }) Directory.CreateDirectory($"{folder}/{name}");
        using StepContext context = new();
        PortableStep[] steps =
        [
            new MountFileSystem("proc", "proc", 0, []), new MountFileSystem("sysfs", "sys", 0, []), new MountFileSystem("tmpfs", "dev", 0, []), new MakeDevices(DeviceSet.Usual),
            new HidePaths(["proc/interrupts", "sys/firmware", "proc/none"]), new ProtectPaths(["proc/sys"]),
        ];
        PortableStep[] left = Array.ConvertAll(steps, step => step.Ready(context));
        new BindRoot($"{folder}/root", $"{folder}/mnt").Do(context);
        foreach (PortableStep step in left) step.Do(context);
        Dictionary<string, MountEntry> mounts = MountTable.Read().Where(mount => mount.MountPoint.StartsWith($"{folder}/mnt/", StringComparison.Ordinal)).ToDictionary(mount => mount.MountPoint[$"{folder}/mnt/".Length..]);
        Assert.Equal(["dev", "proc", "proc/interrupts", "proc/sys", "sys", "sys/firmware"], mounts.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(("/null", "tmpfs", "/sys"), (mounts["proc/interrupts"].Root, mounts["sys/firmware"].Type, mounts["proc/sys"].Root));
        Assert.Contains("ro", mounts["proc/sys"].Options.Split(','));
        Assert.Empty(Directory.GetFileSystemEntries($"{folder}/mnt/sys/firmware"));
    });
}
