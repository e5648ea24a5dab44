using Cage.Engine.Roots;
using Cage.Engine.Store;

namespace Cage.Engine;

/// <summary>Enumerations as they stand in cage.conf and on the command line: lower case. By table, since the names of an enumeration
/// cost a tenth of a millisecond of reflection at each start of the command.</summary>
public static class Words
{
    private static readonly string[] _isolations = ["chroot", "pivot", "jail"], _devices = ["private", "host"],
        _providers = ["btrfs", "reflink", "copy", "live"], _nested = ["snapshot", "skip", "empty"], _noYes = ["no", "yes"],
        _reasons = ["requested", "interpreter", "needed", "symlink", "script", "pack"], _contents = ["command", "file", "pack"], _networks = ["host", "none", "private"],
        _setuids = ["deny", "allow"], _sockets = ["own", "host"], _filters = ["default", "off"];

    /// <summary>The isolations, in the order of <see cref="CageIsolation"/>.</summary>
    public static IReadOnlyList<string> Isolations => _isolations;

    /// <summary>The views of <c>/dev</c>, in the order of <see cref="DeviceView"/>.</summary>
    public static IReadOnlyList<string> Devices => _devices;

    /// <summary>The ways to make a snapshot, in the order of <see cref="SnapshotProvider"/>.</summary>
    public static IReadOnlyList<string> Providers => _providers;

    /// <summary>What becomes of what is nested in a snapshot's source, in the order of <see cref="Snapshots.NestedDecision"/>.</summary>
    public static IReadOnlyList<string> NestedDecisions => _nested;

    /// <summary>What can be put into a root, in the order of <see cref="RootWishKind"/>.</summary>
    public static IReadOnlyList<string> ContentKinds => _contents;
    /// <summary>The networks, in the order of <see cref="NetworkMode"/>.</summary>
    public static IReadOnlyList<string> Networks => _networks;

    /// <summary>No and yes.</summary>
    public static IReadOnlyList<string> NoYes => _noYes;

    /// <summary>The words of <see cref="SetuidMode"/>, in its order.</summary>
    public static IReadOnlyList<string> Setuids => _setuids;

    /// <summary>The words of <see cref="SocketView"/>, in its order.</summary>
    public static IReadOnlyList<string> Sockets => _sockets;

    /// <summary>The words of <see cref="SystemCallMode"/>, in its order.</summary>
    public static IReadOnlyList<string> Filters => _filters;

    /// <summary>The word for <paramref name="setuid"/>.</summary>
    public static string Word(this SetuidMode setuid) => _setuids[(int)setuid];

    /// <summary>The word for <paramref name="sockets"/>.</summary>
    public static string Word(this SocketView sockets) => _sockets[(int)sockets];

    /// <summary>The word for <paramref name="isolation"/>.</summary>
    public static string Word(this CageIsolation isolation) => _isolations[(int)isolation];

    /// <summary>The word for <paramref name="device"/>.</summary>
    public static string Word(this DeviceView device) => _devices[(int)device];

    /// <summary>The word for <paramref name="network"/>.</summary>
    public static string Word(this NetworkMode network) => _networks[(int)network];

    /// <summary>The word for <paramref name="provider"/>.</summary>
    public static string Word(this SnapshotProvider provider) => _providers[(int)provider];

    /// <summary>The word for <paramref name="reason"/>.</summary>
    public static string Word(this DependencyReason reason) => _reasons[(int)reason];

    /// <summary>The word for <paramref name="kind"/>.</summary>
    public static string Word(this RootWishKind kind) => _contents[(int)kind];
}
