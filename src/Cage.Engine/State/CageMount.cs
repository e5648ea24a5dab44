using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.State;

/// <summary>A mount of a running cage as the kernel has it.</summary>
/// <param name="Cage">The cage's name.</param>
/// <param name="CageId">The cage's id.</param>
/// <param name="Source">What is mounted.</param>
/// <param name="Target">Where, as seen from inside.</param>
/// <param name="Type">The file system.</param>
/// <param name="Options">The mount's and the file system's options.</param>
/// <param name="Propagation">Such as <c>shared:12</c>; <c>private</c> when there is none.</param>
/// <param name="Layers">An overlay's lowerdirs, the topmost first; none for the others.</param>
public sealed record CageMount(
    string Cage, Guid CageId, string Source, string Target, string Type, string Options, string Propagation, IReadOnlyList<string> Layers)
{
    internal static IReadOnlyList<CageMount> Of(CageInfo cage)
    {
        ArgumentNullException.ThrowIfNull(cage);
        if (cage.State == CageState.Stopped) return [];
        bool isChroot = cage.Record.Isolation == CageIsolation.Chroot;
        // In its own namespace the kernel writes targets as the cage sees them; beneath a chroot's mount point they are cut to that.
        IEnumerable<MountEntry> entries = isChroot ? MountTable.Read().Beneath(cage.Record.MountPath) : OfInit(cage.ProcessId!.Value);
        int cut = isChroot ? cage.Record.MountPath.Length : 0;
        // The kernel has them by age, and those around the root are older than that.
        return [.. entries.OrderBy(entry => entry.MountPoint, StringComparer.Ordinal).Select(entry => new CageMount(
            cage.Name, cage.Id, entry.Source, entry.MountPoint.Length > cut ? entry.MountPoint[cut..] : "/", entry.Type,
            Together(entry.Options.Split(','), entry.SuperOptions.Split(',')), entry.Propagation.Length == 0 ? "private" : entry.Propagation,
            [.. entry.SuperOption("lowerdir+").Concat(entry.SuperOption("lowerdir"))]))];
    }

    /// <summary>None where it ends this moment: EINVAL once it has let go of its namespaces (mounts_open_common in the kernel's fs/proc_namespace.c).</summary>
    private static IReadOnlyList<MountEntry> OfInit(int pid)
    {
        try
        {
            return MountTable.Read($"/proc/{pid}/mountinfo");
        }
        catch (LinuxException e) when (e.Number is Errno.ENOENT or Errno.ESRCH or Errno.EINVAL)
        {
            return [];
        }
    }

    /// <summary>Either of the two can make it read-only.</summary>
    private static string Together(string[] mount, string[] system) => string.Join(',', mount.Contains("ro") || system.Contains("ro")
        ? mount.Union(system).Where(option => option != "ro" && option != "rw").Prepend("ro")
        : mount.Union(system));
}
