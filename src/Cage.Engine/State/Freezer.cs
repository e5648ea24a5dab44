using System.Text;
using Cage.Engine.Runtime;
using Cage.Interop;

namespace Cage.Engine.State;

/// <summary>Stops all processes of a cage where they stand, and lets them go on: cgroup.freeze (Documentation/admin-guide/cgroup-v2.rst) or, where
/// no version 2 hierarchy is mounted, the freezer of version 1 (cgroup-v1/freezer-subsystem.rst). The processes do not notice.</summary>
internal static class Freezer
{
    private const int Pause = 2;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);

    /// <summary>Whether killing works while all stands still, as it does in version 2.</summary>
    public static bool LetsKill => ControlGroup.Hierarchy is not null;

    public static bool IsFrozen(Guid id) => ControlGroup.Of(id) is ControlGroup group
        ? GroupFolder.TryRead($"{group.Path}/cgroup.freeze") is ['1', ..]
        : LegacyFolder(id) is GroupFolder folder && GroupFolder.TryRead($"{folder.Path}/freezer.state") is ['F', ..];

    /// <summary>Returns once all stand still.</summary>
    /// <exception cref="CageException">CageBusy: one does not, and all go on; CageKernelUnsupported: no freezer.</exception>
    public static void Freeze(CageInfo cage, CancellationToken cancellation)
    {
        if (ControlGroup.Of(cage.Id) is not ControlGroup group)
        {
            FreezeLegacy(cage, cancellation);
            return;
        }
        Write($"{group.Path}/cgroup.freeze", "1");
        Await(cage, () => GroupFolder.TryRead($"{group.Path}/cgroup.events")?.Contains("frozen 1", StringComparison.Ordinal) == true, cancellation);
    }

    public static void Thaw(Guid id)
    {
        if (ControlGroup.Of(id) is ControlGroup group) Write($"{group.Path}/cgroup.freeze", "0");
        else ThawLegacy(id);
    }

    /// <summary>In version 1 the group is made only now, and what is forked while it fills must come in too.</summary>
    internal static void FreezeLegacy(CageInfo cage, CancellationToken cancellation)
    {
        GroupFolder group = LegacyFolder(cage.Id) ??
            throw new CageException(CageError.CageKernelUnsupported, $"\"{cage.Name}\" cannot be suspended: this host has no freezer (ENODEV).", "Mount the version 2 hierarchy: mount -t cgroup2 none /sys/fs/cgroup.", cage.Name);
        group.Create();
        Write($"{group.Path}/freezer.state", "FROZEN");
        Await(cage, () =>
        {
            LegacyGroups.Move(group, CageProcesses.Find(cage).Except(LegacyGroups.Processes(group)));
            return GroupFolder.TryRead($"{group.Path}/freezer.state") is "FROZEN\n" && !CageProcesses.Find(cage).Except(LegacyGroups.Processes(group)).Any();
        }, cancellation);
    }

    internal static void ThawLegacy(Guid id)
    {
        if (LegacyFolder(id) is { Exists: true } group) Write($"{group.Path}/freezer.state", "THAWED");
    }

    private static void Await(CageInfo cage, Func<bool> isStill, CancellationToken cancellation)
    {
        long end = Environment.TickCount64 + (long)_patience.TotalMilliseconds;
        try
        {
            while (!isStill())
            {
                cancellation.ThrowIfCancellationRequested();
                if (Environment.TickCount64 > end) throw Restless(cage);
                Thread.Sleep(Pause);
            }
        }
        catch
        {
            if (ControlGroup.Of(cage.Id) is ControlGroup group && group.Exists) Write($"{group.Path}/cgroup.freeze", "0");
            ThawLegacy(cage.Id);
            throw;
        }
    }

    private static CageException Restless(CageInfo cage)
    {
        string[] waiting = Array.ConvertAll([.. CageProcesses.Find(cage).Where(pid => ProcessStat.Read(pid) is { State: 'D' })], pid => $"{pid}");
        return new CageException(
            CageError.CageBusy, $"\"{cage.Name}\" does not come to rest within {_patience.TotalSeconds:0} s and goes on (EBUSY).",
            waiting.Length == 0 ? "Try again." : $"Process {string.Join(", ", waiting)} hangs in the kernel (state D in ps).", cage.Name);
    }

    private static GroupFolder? LegacyFolder(Guid id) => LegacyGroups.Hierarchy("freezer") is string root ? new GroupFolder(root, id) : null;

    private static void Write(string path, string value)
    {
        using Descriptor file = Files.Open(path, Files.O_WRONLY);
        Files.Write(file, Encoding.ASCII.GetBytes(value));
    }
}
