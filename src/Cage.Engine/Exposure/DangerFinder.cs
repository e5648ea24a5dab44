using Cage.Engine.Plans;
using Cage.Engine.Privileges;
using Cage.Engine.Roots;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Exposure;

/// <summary>Finds settings of a cage that undo each other, or that together lead to the host: what Test-Cage warns of. What is merely shared is told by
/// <see cref="ExposureFinder"/>.</summary>
internal sealed class DangerFinder(StoreSettings settings, CageRecord record)
{
    /// <summary>Each alone is a way to the host, tried by tests/escape where it can be.</summary>
    private static readonly (Capability Capability, string What)[] _ways =
    [
        (Capability.CAP_SYS_ADMIN, "root in it mounts what it likes, and makes writable what is read-only"),
        (Capability.CAP_MKNOD, "root in it makes nodes of the host's disks in /dev, and reads and writes them"),
        (Capability.CAP_DAC_READ_SEARCH, "root in it opens any file of a file system that it has anything of, by its handle"),
        (Capability.CAP_SYS_MODULE, "root in it loads modules into the host's kernel"),
        (Capability.CAP_SYS_RAWIO, "root in it reaches ports and memory of the machine"),
        (Capability.CAP_BPF, "root in it loads programs into the host's kernel"),
        (Capability.CAP_SYS_TIME, "root in it sets the host's clock"),
    ];

    private bool IsJail => record.Isolation == CageIsolation.Jail;

    /// <summary>Whether root in it is nobody outside, where its capabilities count for nothing and it gets at files as anybody would.</summary>
    private bool IsMapped => record.Privileges.UserNamespace is not null;

    /// <summary>All there is to say; nothing of a read-only cage, which is never started.</summary>
    public IEnumerable<CageFinding> Find() => record.Kind == CageKind.ReadOnly ? [] : [.. Devices(), .. Capabilities(), .. SystemCalls(), .. Network(), .. record.Binds.SelectMany(Bind)];

    private IEnumerable<CageFinding> Devices()
    {
        string isolation = IsJail ? "" : $" with isolation={record.Isolation.Word()}";
        if (record.Device == DeviceView.Host && !IsMapped)
            yield return Danger($"device=host{isolation}", "root in it reads and writes the host's disks, and removes the host's own nodes", $"{Face.Call("--device private", "-Device private")}, or the names of those that it needs");
        // By number: a pattern or a list gives it as well, and on the host it may have another name.
        foreach (DeviceNode node in Given())
            if (node is { IsBlock: false, Major: 1, Minor: 1 or 2 or 4 })
                yield return Danger($"device={node.Name}{isolation}", "it is the machine's memory", "take it from the list");
            else if (node.IsBlock)
                yield return Danger($"device={node.Name}{isolation}", "it is a disk: root in it reads and writes all that lies there, past all permissions", $"mount it on the host, and {Face.Call("--bind", "-Bind")} what it needs of it");
    }

    /// <summary>Those that the host has now; what it lacks a start refuses.</summary>
    private IReadOnlyList<DeviceNode> Given()
    {
        try
        {
            return record.Devices.Count == 0 ? [] : DeviceSet.Of(record, settings).Nodes;
        }
        catch (CageException e) when (e.Error is CageError.CageStartFailed or CageError.CageConfInvalid)
        {
            return [];
        }
    }

    private IEnumerable<CageFinding> Capabilities()
    {
        if (!IsJail || IsMapped) yield break;
        string without = record.Privileges.SystemCalls == SystemCallMode.Off ? " with seccomp=off" : "";
        foreach (var (capability, what) in _ways)
            if (Has(capability)) yield return Danger($"capability=+{Name(capability)}{without}", what, $"{Face.Call("--cap-add", "-CapabilityAdd")} without {Name(capability)}");
    }

    private IEnumerable<CageFinding> SystemCalls()
    {
        if (record.Privileges is { SystemCalls: SystemCallMode.Off, Setuid: SetuidMode.Allow })
            yield return Danger("seccomp=off with setuid=allow", "whoever is in it may become root in it and then try every call of the kernel", $"{Face.Call("--seccomp default, and --seccomp-allow", "-Seccomp Default, and -SeccompAllow")} for what is missing");
    }

    private IEnumerable<CageFinding> Network()
    {
        if (!IsJail || record.Network.Mode != NetworkMode.Host) yield break;
        if (Has(Capability.CAP_NET_ADMIN) && !IsMapped)
            yield return Danger("capability=+NET_ADMIN with network=host", "root in it changes the host's addresses, routes and packet filter", $"{Face.Call("--network private", "-Network Private")}, where it changes its own");
        if (Has(Capability.CAP_NET_RAW) && !IsMapped)
            yield return Danger("capability=+NET_RAW with network=host", "root in it listens to all that the host sends and gets, and forges packets", Face.Call("--network private", "-Network Private"));
        if (record.Privileges.Sockets == SocketView.Host)
            yield return Danger("sockets=host with network=host", "abstract sockets of the host's services are reached, which trust whoever is root", Face.Call("--sockets own, or --network private", "-Sockets Own, or -Network Private"));
    }

    private IEnumerable<CageFinding> Bind(CageBind bind)
    {
        string setting = $"bind={bind}";
        if (!IsJail && bind.IsReadOnly)
            yield return Danger($"{setting} with isolation={record.Isolation.Word()}", "root in it can make it writable again", Face.Call("--isolation jail", "-Isolation Jail"));
        bool isRootThere = !IsMapped || bind.MapsOwners;
        string[] controls = [.. HostPlaces.ControlsAt(bind.Source)];
        if (controls.Length > 0)
            yield return Danger(setting, $"who asks at {string.Join(", ", controls)} has the host's root do it, read-only or not", "share what it needs in another way");
        else if (!isRootThere)
            yield break;
        else if (MountHolders.IsBeneath(settings.Data, bind.Source == "/" ? "" : bind.Source) || MountHolders.IsBeneath(bind.Source, settings.Data))
            yield return Danger(setting, "it has cages and their settings, its own perhaps, in it", "share another folder");
        else if (bind.Source == "/proc")
            yield return Danger(setting, "the host's processes and, unless it is read-only, the settings of its kernel are in it", "leave it out: the cage has a /proc of its own");
        else if (HostPlaces.Vital.Contains(bind.Source) && (!bind.IsReadOnly || bind.Source == "/"))
            yield return Danger(setting, bind.IsReadOnly ? "root in it reads every secret of the host" : "root in it changes what the host itself runs", bind.IsReadOnly ? "share the folders that it needs" : $"{(bind with { IsReadOnly = true }).Option}, or a folder further down");
        else if (!bind.IsReadOnly && Files.Status(bind.Source) is { IsDirectory: true } && HostPlaces.IsOpenToAll(bind.Source))
            yield return Danger(setting, "root in it leaves set-user-ID programs there, which give every user of the host root", $"chmod o-x a folder above it, or mount it nosuid on the host and {(bind with { IsReadOnly = true }).Option} for the rest");
        if (bind.AllowsSetuid && record.Privileges.Setuid == SetuidMode.Allow)
            yield return Danger($"{setting} with setuid=allow", "programs of the host's folder give those in the cage their owner's rights", (bind with { AllowsSetuid = false }).Option);
    }

    private bool Has(Capability capability) => (CapabilitySet.Of(record.Privileges.CapabilityAdd, record.Privileges.CapabilityDrop) >> (int)capability & 1) != 0;

    private static string Name(Capability capability) => Interop.Capabilities.Name(capability)["CAP_".Length..];

    private CageFinding Danger(string setting, string what, string advice) => new(record.Name, record.Id, setting, FindingKind.Danger, $"{setting}: {what}; {advice}.");
}
