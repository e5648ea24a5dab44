using Cage.Engine.Layers;
using Cage.Engine.Network;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Plans;

/// <summary>How a cage is started.</summary>
public sealed record StartOptions
{
    /// <summary>Whether nothing can be written in it this time: its own files are one more layer.</summary>
    public bool ReadOnly { get; init; }
}

/// <summary>Makes the plan of a start from a cage's record and its layers.</summary>
internal static class StartPlanner
{
    private const ulong Quiet = Mounts.MOUNT_ATTR_NOSUID | Mounts.MOUNT_ATTR_NODEV, Inert = Quiet | Mounts.MOUNT_ATTR_NOEXEC,
        JailNamespaces = Spawn.CLONE_NEWNS | Spawn.CLONE_NEWPID | Spawn.CLONE_NEWIPC | Spawn.CLONE_NEWUTS;

    /// <summary>What tells a Jail about the host, or reaches into it. What needs a capability to be read besides is hidden still, since that may be added.</summary>
    private static readonly string[] _hidden =
    [
        "proc/acpi", "proc/asound", "proc/interrupts", "proc/kcore", "proc/keys", "proc/latency_stats", "proc/sched_debug", "proc/scsi", "proc/timer_list",
        "sys/devices/virtual/powercap", "sys/firmware",
    ];

    /// <summary>What root may write to by its number alone, without a capability.</summary>
    private static readonly string[] _protected = ["proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"];

    /// <summary>The steps for a cage of the store. They are made as they are taken: an init comes up while its layers are still looked for.</summary>
    /// <param name="settings">Where things are.</param>
    /// <param name="record">The cage.</param>
    /// <param name="findLayers">Finds those below it.</param>
    /// <param name="readOnly">Whether nothing can be written in it this time.</param>
    /// <param name="allowed">The addresses that may reach its private network.</param>
    /// <param name="announce">Is told the inside steps around the root, before the layers are looked for.</param>
    public static IEnumerable<Step> ForStored(
        StoreSettings settings, CageRecord record, Func<LayerChain> findLayers, bool readOnly, IReadOnlyList<string> allowed, Action<StepsAroundRoot> announce)
    {
        yield return new MakeControlGroup(record.Id);
        if (!record.Limits.IsEmpty) yield return new SetLimits(record.Id, record.Limits);
        OwnDevices? devices;
        if (record.Isolation == CageIsolation.Chroot)
        {
            yield return RootOf(record, findLayers(), readOnly);
            devices = OwnDevices.Of(record, settings);
            foreach (Step step in Inside(record, devices, HostResolver.None)) yield return step;
        }
        else
        {
            foreach (Step step in StartInit(record)) yield return step;
            yield return new RecordInit(InitHint.PathOf(settings, record.Id), record.Id);
            var (connection, resolver) = Network(settings, record, allowed, OwnsResolver(record.RootPath));
            devices = OwnDevices.Of(record, settings);
            StepsAroundRoot around = Around(record, [], devices, resolver);
            announce(around);
            if (connection is not null) yield return connection;
            foreach (Step step in around.With(() => RootOf(record, findLayers(), readOnly))) yield return step;
        }
        if (devices?.Log is { IsSocketAlone: true }) yield return new FollowLog(record);
        if (record.Start.Length > 0) yield return new RunStartScript($"{record.Path}/{record.Start}");
    }

    private static PortableStep RootOf(CageRecord record, LayerChain layers, bool readOnly) =>
        layers.Roots.Count == 0 ? new BindRoot(record.RootPath, record.MountPath, RootAttributes(record) | (readOnly ? Mounts.MOUNT_ATTR_RDONLY : 0), record.Privileges.UserNamespace is not null)
        : readOnly && layers.Roots.Count == LayerChain.Limit ? throw new CageException(
            CageError.CageStartFailed, $"\"{record.Name}\" was not started: read-only, its own files are a layer too, one more than the {LayerChain.Limit} that overlayfs takes.",
            "Start it to be written, or copy some of its layers together into one.", record.Name)
        : readOnly ? new MountOverlay([record.RootPath, .. layers.Roots], null, null, record.MountPath, Attributes: RootAttributes(record), Mapped: Mapped(record, MappedLayers.All)) { OfHost = true }
        : OverlayOf(record, layers.Roots, layers.IsPinned);

    private static MountOverlay OverlayOf(CageRecord record, IReadOnlyList<string> roots, bool isPinned) =>
        new(roots, record.RootPath, record.WorkPath, record.MountPath, isPinned, RootAttributes(record), Mapped(record, MappedLayers.All)) { OfHost = true };

    /// <summary>The overlay that a start will most likely make, told by the cage's own record alone; null where it is not to be made ahead: of few layers, or
    /// as <see cref="PortableStep.Prepare"/> would not make it.</summary>
    public static MountOverlay? GuessOverlay(CageStore store, CageRecord record, bool readOnly) =>
        readOnly || record.Isolation == CageIsolation.Chroot || record.Privileges.UserNamespace is not null || !LayerFinder.AreMany(record.Base) ? null
        : OverlayOf(record, Array.ConvertAll([.. record.Base], id => $"{store.PathOf(id, CageKind.ReadOnly)}/root"), isPinned: !record.Base.Contains(CageRecord.Nil));

    private static MappedLayers Mapped(CageRecord record, MappedLayers which) => record.Privileges.UserNamespace is null ? MappedLayers.None : which;

    /// <summary>The steps for a cage that is not kept: its upper is a tmpfs in its own mount namespace, so that it leaves nothing. They are
    /// made as they are taken: the init comes up while its layers are still looked for.</summary>
    /// <param name="store">Where the layers are.</param>
    /// <param name="record">The cage; its own base is not looked at.</param>
    /// <param name="bases">Finds the cages below it, the topmost first.</param>
    /// <param name="allowed">The addresses that may reach its private network.</param>
    /// <param name="announce">Is told the inside steps around the root, before the layers are looked for.</param>
    public static IEnumerable<Step> ForEphemeral(CageStore store, CageRecord record, Func<IReadOnlyList<Guid>> bases, IReadOnlyList<string> allowed, Action<StepsAroundRoot> announce)
    {
        yield return new MakeControlGroup(record.Id, Held: true);
        if (!record.Limits.IsEmpty) yield return new SetLimits(record.Id, record.Limits, Held: true);
        foreach (Step step in StartInit(record)) yield return step;
        string scratch = store.Settings.Run;
        var (connection, resolver) = Network(store.Settings, record, allowed, ownsResolver: false);
        OwnDevices? devices = OwnDevices.Of(record, store.Settings);
        StepsAroundRoot around = Around(record, [new MountScratch(scratch)], devices, resolver);
        announce(around);
        LayerChain layers = LayerChain.Resolve(store, bases());
        yield return new HoldLayers(layers.Records);
        if (connection is not null) yield return connection;
        MountOverlay root = new(
            layers.Roots, $"{scratch}/{MountScratch.Upper}", $"{scratch}/{MountScratch.Work}", $"{scratch}/{MountScratch.MountPoint}", Attributes: RootAttributes(record), Mapped: Mapped(record, MappedLayers.Lower));
        foreach (Step step in around.With(() => root)) yield return step;
        if (devices?.Log is { IsSocketAlone: true }) yield return new FollowLog(record);
    }

    /// <summary>The step that joins a private network with the host's, null where there is none, and how names are found.</summary>
    private static (ConnectNetwork? Connection, HostResolver Resolver) Network(StoreSettings settings, CageRecord record, IReadOnlyList<string> allowed, bool ownsResolver)
    {
        string? gateway = record.Network.Mode == NetworkMode.Private ? new AddressPool(settings).Gateway : null;
        HostResolver resolver = ownsResolver ? HostResolver.None : gateway is null ? HostResolver.Plain() : HostResolver.Reachable(gateway);
        return (gateway is null ? null : new ConnectNetwork(record.Id, record.Network, gateway, allowed, resolver.Loopback), resolver);
    }

    private static IEnumerable<Step> StartInit(CageRecord record)
    {
        bool ownNetwork = record.Network.Mode != NetworkMode.Host;
        if (record.Privileges.UserNamespace is IdRange range) yield return new MakeUserNamespace(range, ownNetwork);
        yield return record.Isolation == CageIsolation.Jail
            ? new StartInit(record.Name, record.Id, JailNamespaces | (ownNetwork ? Spawn.CLONE_NEWNET : 0), OwnControlGroupView: true)
            : new StartInit(record.Name, record.Id, Spawn.CLONE_NEWNS, OwnControlGroupView: false);
    }

    private static StepsAroundRoot Around(CageRecord record, PortableStep[] scratch, OwnDevices? devices, HostResolver resolver)
    {
        PortableStep[] acting = record.Privileges.UserNamespace is IdRange range ? [new ActAsCageRoot(range)] : [];
        List<PortableStep> after = [.. Inside(record, devices, resolver), new PivotRoot()];
        if (record.Network.Mode != NetworkMode.Host) after.Add(new RaiseLoopback());
        if (record.Isolation == CageIsolation.Jail)
        {
            after.Add(new NameHost(HostNameFor(record.Name)));
            after.Add(new GiveUpPrivileges(record.Privileges));
        }
        return new StepsAroundRoot([new IsolatePropagation(), .. acting, .. scratch], after);
    }

    private static List<PortableStep> Inside(CageRecord record, OwnDevices? devices, HostResolver resolver)
    {
        bool jail = record.Isolation == CageIsolation.Jail, chroot = record.Isolation == CageIsolation.Chroot;
        List<PortableStep> steps = [new MakeFolder("proc", 0x1ed), new MakeFolder("sys", 0x1ed), new MakeFolder("dev", 0x1ed), new MakeFolder("tmp", 0x3ff)];
        if (!chroot) steps.Add(new MakeFolder("run", 0x1ed));
        steps.Add(new MountFileSystem("proc", "proc", Inert, []));
        steps.Add(new MountFileSystem("sysfs", "sys", jail ? Inert | Mounts.MOUNT_ATTR_RDONLY : Inert, []));
        if (devices is null)
        {
            steps.Add(new MountFileSystem("devtmpfs", "dev", Mounts.MOUNT_ATTR_NOSUID, []));
        }
        else
        {
            steps.Add(new MountFileSystem("tmpfs", "dev", Mounts.MOUNT_ATTR_NOSUID | Mounts.MOUNT_ATTR_NOEXEC, ["mode=0755", "size=1m"]));
            steps.Add(new MakeDevices(devices.Nodes, devices.Log?.Link));
            if (devices.Log is HostLog log) steps.Add(log.Bind());
        }
        steps.Add(new MountFileSystem("devpts", "dev/pts", Mounts.MOUNT_ATTR_NOSUID | Mounts.MOUNT_ATTR_NOEXEC, ["newinstance", $"gid={(record.Privileges.UserNamespace?.First ?? 0) + Runtime.CommandStarter.TerminalGroup}", "mode=0620", "ptmxmode=0666"]));
        steps.Add(new MountFileSystem("tmpfs", "dev/shm", Quiet, ["mode=1777"]));
        steps.Add(new MountFileSystem("tmpfs", "tmp", Quiet, ["mode=1777"]));
        if (jail)
        {
            steps.Add(new HidePaths(_hidden));
            steps.Add(new ProtectPaths(_protected));
        }
        if (!chroot) steps.Add(new MountFileSystem("tmpfs", "run", Quiet, ["mode=0755"]));
        if (!chroot && resolver.Path is string source) steps.Add(new ShareResolver(source, resolver.Text));
        steps.AddRange(Shares(record));
        return steps;
    }

    /// <summary>In a Jail no device node outside /dev works, and no set-user-ID program unless it is to.</summary>
    private static ulong RootAttributes(CageRecord record) => record.Isolation != CageIsolation.Jail
        ? 0
        : Mounts.MOUNT_ATTR_NODEV | (record.Privileges.Setuid == SetuidMode.Deny ? Mounts.MOUNT_ATTR_NOSUID : 0);

    /// <summary>What the cage was given on purpose: its tmpfs first, so that a bind may lie in one.</summary>
    private static IEnumerable<PortableStep> Shares(CageRecord record)
    {
        foreach (CageTmpfs tmpfs in record.Tmpfs)
        {
            string[] options = tmpfs.Size is long size ? ["mode=0755", $"size={size}"] : ["mode=0755"];
            yield return new MakePath(tmpfs.Target[1..]);
            yield return new MountFileSystem("tmpfs", tmpfs.Target[1..], Quiet, options);
        }
        foreach (CageBind bind in record.Binds) yield return new BindHost(bind);
    }

    /// <summary>Whether the cage has a resolv.conf of its own in its upper. An empty file is a mount point that an earlier start made.</summary>
    private static bool OwnsResolver(string upper) => Files.Status($"{upper}/etc/resolv.conf") is { } status && (status.IsLink || status.Size > 0);

    /// <summary>What a cage's own /dev has; null where it is the host's.</summary>
    private sealed class OwnDevices(DeviceSet set)
    {
        public IReadOnlyList<DeviceNode> Nodes => set.Nodes;

        public HostLog? Log { get; } = set.FindLog();

        public static OwnDevices? Of(CageRecord record, StoreSettings settings) => record.Device == DeviceView.Host ? null : new OwnDevices(DeviceSet.Of(record, settings));
    }

    /// <summary>A host name made from a cage's name: letters, digits, hyphens and dots, 64 bytes at most (hostname(7)).</summary>
    internal static string HostNameFor(string name)
    {
        string clean = new string(Array.ConvertAll(name.ToCharArray(), c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' ? c : '-')).Trim('-', '.');
        return clean.Length == 0 ? "cage" : clean.Length > 64 ? clean[..64] : clean;
    }
}
