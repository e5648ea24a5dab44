using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Plans;

/// <summary>A device of the host that a cage is given.</summary>
/// <param name="Name">Below /dev, in the cage as on the host.</param>
/// <param name="Mode">S_IFCHR or S_IFBLK, and the permission bits.</param>
/// <param name="Major">The driver.</param>
/// <param name="Minor">Which of the driver's.</param>
/// <param name="Uid">The owner.</param>
/// <param name="Gid">The group.</param>
internal sealed record DeviceNode(string Name, uint Mode, uint Major, uint Minor, uint Uid, uint Gid)
{
    public bool IsBlock => (Mode & Files.S_IFMT) == Files.S_IFBLK;

    /// <summary>What the host has under that name.</summary>
    /// <exception cref="CageException">CageStartFailed: there is none, or it is no device.</exception>
    public static DeviceNode Find(CageRecord record, string name)
    {
        if (Files.StatusFollowed($"/dev/{name}") is not FileStatus status)
            throw new CageException(CageError.CageStartFailed, $"The host has no device /dev/{name} (ENOENT) to give to \"{record.Name}\".", "Load its driver, or take it from the cage's device list.", name);
        return status.IsBlockDevice || status.IsCharacterDevice
            ? new DeviceNode(name, status.Mode & 0xffff, MajorOf(status.Node), MinorOf(status.Node), status.Uid, status.Gid)
            : throw new CageException(CageError.CageStartFailed, $"/dev/{name} is no device (ENOTBLK), and cannot be given to \"{record.Name}\" as one.", "Name a single device.", name);
    }

    private static uint MajorOf(ulong number) => (uint)(number >> 8 & 0xfff) | (uint)(number >> 32 & 0xfffff000);

    private static uint MinorOf(ulong number) => (uint)(number & 0xff) | (uint)(number >> 12 & 0xffffff00);

    public override string ToString() => $"{Name} ({(IsBlock ? 'b' : 'c')} {Major}:{Minor})";
}

/// <summary>Fills a private <c>/dev</c>: the nodes that harm nobody, the links that programs expect, and the devices that the cage is given. [003]</summary>
/// <param name="Given">The devices that it is given.</param>
internal sealed record MakeDevices(IReadOnlyList<DeviceNode> Given) : PortableStep
{
    private const uint OpenToAll = 0x1b6;

    private static readonly (string Name, uint Major, uint Minor)[] _nodes =
        [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)];

    private static readonly (string Name, string Target)[] _links =
    [
        ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2"), ("ptmx", "pts/ptmx"),
    ];

    public override string Action =>
        $"make nodes ({string.Join(' ', _nodes.Select(node => node.Name))}) and links ({string.Join(' ', _links.Select(link => link.Name))})" +
        (Given.Count == 0 ? "" : $", give devices of the host: {string.Join(", ", Given)}");

    public override string Target => "/dev";

    internal override void Do(StepContext context)
    {
        using Descriptor dev = Files.OpenInRoot(context.Root, "dev", Files.O_PATH | Files.O_DIRECTORY);
        foreach (var (name, major, minor) in _nodes) Files.MakeDeviceAt(dev, name, Files.S_IFCHR | OpenToAll, major, minor);
        foreach (var (name, target) in _links) Files.MakeLinkAt(dev, name, target);
        Files.MakeDirectoryAt(dev, "pts", 0x1ed);
        Files.MakeDirectoryAt(dev, "shm", 0x3ff);
        foreach (DeviceNode node in Given)
        {
            for (int slash = node.Name.IndexOf('/'); slash > 0; slash = node.Name.IndexOf('/', slash + 1)) MakeFolder.Ensure(dev, node.Name[..slash], 0x1ed);
            // A usual one that is given as well is there already.
            if (Files.StatusAt(dev, node.Name) is not null) continue;
            Files.MakeDeviceAt(dev, node.Name, node.Mode, node.Major, node.Minor);
            Files.ChangeOwnerAt(dev, node.Name, node.Uid, node.Gid);
        }
    }

    internal override void Write(WireWriter wire)
    {
        wire.Number(Given.Count);
        foreach (DeviceNode node in Given) wire.Text(node.Name).Number(node.Mode).Number(node.Major).Number(node.Minor).Number(node.Uid).Number(node.Gid);
    }

    public static PortableStep Read(ref WireReader wire)
    {
        DeviceNode[] given = new DeviceNode[wire.Number()];
        for (int i = 0; i < given.Length; i++)
            given[i] = new DeviceNode(wire.Text(), (uint)wire.Number(), (uint)wire.Number(), (uint)wire.Number(), (uint)wire.Number(), (uint)wire.Number());
        return new MakeDevices(given);
    }
}
