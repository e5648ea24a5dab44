using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.State;

/// <summary>The unit in which systemd leaves the control groups of all cages to us (systemd.resource-control(5), Delegate=): where systemd runs, the rest of the tree is its own.
/// It has no process; systemd removes its group when it is stopped, and kills what is in it first.</summary>
internal static class DelegatedUnit
{
    private const string Name = "cage.service", Group = $"system.slice/{Name}", Mark = "/run/systemd/system";

    /// <summary>As sd_booted(3).</summary>
    private static readonly Lazy<bool> _booted = new(() => Files.Status(Mark) is { IsDirectory: true });

    /// <summary>The unit's group in a hierarchy; null where there is none.</summary>
    public static string? GroupIn(string hierarchy) => _booted.Value && Files.Status($"{hierarchy}/{Group}") is not null ? $"{hierarchy}/{Group}" : null;

    /// <summary>Has systemd make the unit where it runs and there is none: once after each start of the host. Where it cannot, the groups are in a subtree of our own, as elsewhere.</summary>
    public static void Ensure(string hierarchy)
    {
        if (!_booted.Value || GroupIn(hierarchy) is not null) return;
        try
        {
            HostTool.Run(
                "Making the unit of all cages",
                ["systemd-run", "--quiet", $"--unit={Name}", "--description=Control groups of cages", "--service-type=oneshot", "--remain-after-exit", "--property=Delegate=yes", "/bin/true"]);
        }
        catch (CageException)
        {
            // A systemd that nobody can reach, as in some containers; or another start was first.
        }
    }
}
