using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Plans;

/// <summary>Fills a private <c>/dev</c>: its nodes, and the links that programs expect. [003]</summary>
/// <param name="Nodes">The nodes.</param>
/// <param name="Log">What the link <c>log</c> says; null for none.</param>
internal sealed record MakeDevices(IReadOnlyList<DeviceNode> Nodes, string? Log = null) : PortableStep
{
    private static readonly (string Name, string Target)[] _links =
    [
        ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2"), ("ptmx", "pts/ptmx"),
    ];

    public override string Action
    {
        get
        {
            DeviceNode[] usual = [.. Nodes.Where(DeviceSet.Usual.Contains)], others = [.. Nodes.Except(usual)];
            return $"make nodes ({string.Join(' ', usual.Select(node => node.Name))}) and links ({string.Join(' ', Array.ConvertAll([.. Links()], link => link.Name))})" +
                (others.Length == 0 ? "" : $", give devices of the host: {string.Join(", ", (IEnumerable<DeviceNode>)others)}");
        }
    }

    public override string Target => "/dev";

    /// <summary>Whether all is there already.</summary>
    private bool IsDone { get; init; }

    internal override PortableStep Ready(StepContext context)
    {
        if (context.Made("dev") is not Descriptor dev) return this;
        Fill(dev, context);
        return this with { IsDone = true };
    }

    internal override void Do(StepContext context)
    {
        if (IsDone) return;
        using Descriptor dev = Files.OpenInRoot(context.Root, "dev", Files.O_PATH | Files.O_DIRECTORY);
        Fill(dev, context);
    }

    private void Fill(Descriptor dev, StepContext context)
    {
        foreach (var (name, target) in Links()) Files.MakeLinkAt(dev, name, target);
        Files.MakeDirectoryAt(dev, "pts", 0x1ed);
        Files.MakeDirectoryAt(dev, "shm", 0x3ff);
        foreach (DeviceNode node in Nodes)
        {
            for (int slash = node.Name.IndexOf('/'); slash > 0; slash = node.Name.IndexOf('/', slash + 1)) MakeFolder.Ensure(dev, node.Name[..slash], 0x1ed);
            // A link that is given as a device as well is there already.
            if (Files.StatusAt(dev, node.Name) is not null) continue;
            Files.MakeDeviceAt(dev, node.Name, node.Mode, node.Major, node.Minor);
            if ((node.Uid | node.Gid) != 0) Files.ChangeOwnerAt(dev, node.Name, context.OnHost(node.Uid), context.OnHost(node.Gid));
        }
    }

    internal override void Write(WireWriter wire)
    {
        wire.Text(Log).Number(Nodes.Count);
        foreach (DeviceNode node in Nodes) wire.Text(node.Name).Number(node.Mode).Number(node.Major).Number(node.Minor).Number(node.Uid).Number(node.Gid);
    }

    public static PortableStep Read(ref WireReader wire)
    {
        string? log = wire.OptionalText();
        DeviceNode[] nodes = new DeviceNode[wire.Number()];
        for (int i = 0; i < nodes.Length; i++)
            nodes[i] = new DeviceNode(wire.Text(), (uint)wire.Number(), (uint)wire.Number(), (uint)wire.Number(), (uint)wire.Number(), (uint)wire.Number());
        return new MakeDevices(nodes, log);
    }

    private IEnumerable<(string Name, string Target)> Links() => Log is null ? _links : _links.Append((DeviceRule.Log, Log));
}
