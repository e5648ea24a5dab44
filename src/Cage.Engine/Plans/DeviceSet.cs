using Cage.Engine.Roots;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Plans;

/// <summary>A node of a cage's own <c>/dev</c>.</summary>
/// <param name="Name">Below /dev, in the cage as on the host.</param>
/// <param name="Mode">S_IFCHR or S_IFBLK, and the permission bits.</param>
/// <param name="Major">The driver.</param>
/// <param name="Minor">Which of the driver's.</param>
/// <param name="Uid">The owner.</param>
/// <param name="Gid">The group.</param>
internal sealed record DeviceNode(string Name, uint Mode, uint Major, uint Minor, uint Uid, uint Gid)
{
    private const uint PermissionBits = 0xfff;

    public bool IsBlock => (Mode & Files.S_IFMT) == Files.S_IFBLK;

    /// <summary>What the host has under that name.</summary>
    public static DeviceNode Of(string name, FileStatus status) => new(name, status.Mode & 0xffff, MajorOf(status.Node), MinorOf(status.Node), status.Uid, status.Gid);

    /// <summary>The same as a rule wants it.</summary>
    public DeviceNode With(DeviceRule rule) => this with { Mode = rule.Mode is uint mode ? (Mode & ~PermissionBits) | mode : Mode, Uid = rule.Uid ?? Uid, Gid = rule.Gid ?? Gid };

    public override string ToString() => $"{Name} ({(IsBlock ? 'b' : 'c')} {Major}:{Minor} {Convert.ToString(Mode & PermissionBits, 8).PadLeft(4, '0')} {Uid}:{Gid})";

    private static uint MajorOf(ulong number) => (uint)(number >> 8 & 0xfff) | (uint)(number >> 32 & 0xfffff000);

    private static uint MinorOf(ulong number) => (uint)(number & 0xff) | (uint)(number >> 12 & 0xffffff00);
}

/// <summary>What a cage's own <c>/dev</c> has: the nodes that harm nobody, and what its rules add to them, change of them and take away, one after the other. [002] [003]</summary>
internal sealed class DeviceSet
{
    private const uint OpenToAll = Files.S_IFCHR | 0x1b6;

    private readonly CageRecord _record;
    private readonly string _lists;
    private readonly List<DeviceNode> _nodes = [.. Usual];

    private DeviceSet(CageRecord record, StoreSettings settings) => (_record, _lists) = (record, $"{settings.Tool}/devices");

    /// <summary>The nodes that harm nobody.</summary>
    public static IReadOnlyList<DeviceNode> Usual { get; } =
    [
        new("null", OpenToAll, 1, 3, 0, 0), new("zero", OpenToAll, 1, 5, 0, 0), new("full", OpenToAll, 1, 7, 0, 0),
        new("random", OpenToAll, 1, 8, 0, 0), new("urandom", OpenToAll, 1, 9, 0, 0), new("tty", OpenToAll, 5, 0, 0, 0),
    ];

    public IReadOnlyList<DeviceNode> Nodes => _nodes;

    /// <summary>Whether the host's log can be written to.</summary>
    public bool HasLog { get; private set; }

    /// <summary>How that is reached; null where it is not.</summary>
    /// <exception cref="CageException">As <see cref="HostLog.Find"/>.</exception>
    public HostLog? FindLog() => HasLog ? HostLog.Find(_record) : null;

    /// <summary>What the rules of a cage come to on this host now.</summary>
    /// <exception cref="CageException">CageStartFailed: the host has no such device; CageConfInvalid: a list that cannot be understood.</exception>
    public static DeviceSet Of(CageRecord record, StoreSettings settings)
    {
        DeviceSet set = new(record, settings);
        foreach (string text in record.Devices) set.Apply(DeviceRule.Parse(text), mayBeList: true);
        return set;
    }

    private void Apply(DeviceRule rule, bool mayBeList)
    {
        if (rule.List is string list) ApplyList(list, mayBeList);
        else if (rule.Hides) Hide(rule.Name);
        else if (rule.Name == DeviceRule.Log) HasLog = true;
        else if (rule.IsPattern) ApplyPattern(rule);
        else Put(rule, Find(rule.Name));
    }

    private void ApplyList(string name, bool mayBeList)
    {
        string path = $"{_lists}/{name}.conf";
        ConfFile file = ConfFile.TryRead(path) ??
            throw new CageException(CageError.CageStartFailed, $"There is no list of devices {path} (ENOENT) for \"{_record.Name}\".", "Write it, a line device=NAME for each, or take @ and its name from the cage's device list.", path);
        foreach (string text in CageRecord.DevicesIn(file))
        {
            DeviceRule rule = DeviceRule.Parse(text);
            if (!mayBeList || rule.List is not null) throw file.Invalid("device", $"is \"{text}\": a list cannot have another in it");
            Apply(rule, mayBeList: false);
        }
    }

    private void Hide(string pattern)
    {
        _nodes.RemoveAll(node => Fits(pattern, node.Name));
        if (Fits(pattern, DeviceRule.Log)) HasLog = false;
    }

    /// <summary>As many as there are: none is fine.</summary>
    private void ApplyPattern(DeviceRule rule)
    {
        for (int i = 0; i < _nodes.Count; i++)
            if (Fits(rule.Name, _nodes[i].Name)) _nodes[i] = _nodes[i].With(rule);
        using RootView host = new("/");
        foreach (string path in PathPattern.Expand(host, $"/dev/{rule.Name}"))
        {
            string name = path["/dev/".Length..];
            if (_nodes.Any(node => node.Name == name)) continue;
            if (host.Find(path).Status is { } status && (status.IsCharacterDevice || status.IsBlockDevice)) _nodes.Add(DeviceNode.Of(name, status).With(rule));
        }
    }

    private void Put(DeviceRule rule, DeviceNode node)
    {
        int at = _nodes.FindIndex(known => known.Name == node.Name);
        if (at < 0) _nodes.Add(node.With(rule));
        else _nodes[at] = _nodes[at].With(rule);
    }

    private DeviceNode Find(string name)
    {
        // A usual one that was hidden before is the usual one again.
        if ((_nodes.Find(node => node.Name == name) ?? Usual.FirstOrDefault(node => node.Name == name)) is DeviceNode known) return known;
        if (Files.StatusFollowed($"/dev/{name}") is not FileStatus status)
            throw new CageException(CageError.CageStartFailed, $"The host has no device /dev/{name} (ENOENT) to give to \"{_record.Name}\".", "Load its driver, or take it from the cage's device list.", name);
        return status.IsBlockDevice || status.IsCharacterDevice
            ? DeviceNode.Of(name, status)
            : throw new CageException(CageError.CageStartFailed, $"/dev/{name} is no device (ENOTBLK), and cannot be given to \"{_record.Name}\" as one.", "Name a single device.", name);
    }

    private static bool Fits(string pattern, string name)
    {
        string[] patterns = pattern.Split('/'), parts = name.Split('/');
        return patterns.Length == parts.Length && patterns.Zip(parts).All(pair => PathPattern.Fits(pair.First, pair.Second));
    }
}
