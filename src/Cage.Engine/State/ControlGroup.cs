using System.Globalization;
using Cage.Interop;

namespace Cage.Engine.State;

/// <summary>A cage's control group, version 2 (Documentation/admin-guide/cgroup-v2.rst). What is started in a cage is born in it, so it knows
/// the processes of every cage, whatever their isolation.</summary>
internal sealed class ControlGroup
{
    private static readonly Lazy<string?> _hierarchy = new(FindHierarchy);

    private readonly GroupFolder _folder;

    private ControlGroup(GroupFolder folder) => _folder = folder;

    /// <summary>Where the version 2 hierarchy is mounted; null where it is not.</summary>
    public static string? Hierarchy => _hierarchy.Value;

    public string Path => _folder.Path;

    /// <summary>The group of that cage; null where no version 2 hierarchy is mounted.</summary>
    public static ControlGroup? Of(Guid id) => Hierarchy is string root ? new ControlGroup(new GroupFolder(root, id)) : null;

    public bool Exists => _folder.Exists;

    public void Create() => _folder.Create();

    /// <summary>As <see cref="GroupFolder.CreateHeld"/>.</summary>
    public Descriptor CreateHeld() => _folder.CreateHeld();

    public Descriptor? TryOpen() => _folder.TryOpen();

    /// <summary>The numbers of its processes, those of groups made below it included.</summary>
    public IReadOnlyList<int> Processes()
    {
        List<int> found = [];
        Collect(Path, found);
        return found;
    }

    /// <summary>Whether there are some, but in another pid namespace alone: none has a number in ours.</summary>
    public bool RunsElsewhere => Processes().Count == 0 && GroupFolder.TryRead($"{Path}/cgroup.events")?.Contains("populated 1", StringComparison.Ordinal) == true;

    /// <summary>Kills all that is in it at once (cgroup.kill, Linux 5.14).</summary>
    public void Kill()
    {
        using Descriptor? file = TryOpenKill();
        if (file is not null) Files.Write(file, "1"u8);
    }

    /// <summary>The file that kills all that is in it when "1" is written; null where there is none.</summary>
    public Descriptor? TryOpenKill() => Files.TryOpen($"{Path}/cgroup.kill", Files.O_WRONLY);

    /// <summary>As <see cref="GroupFolder.Remove"/>.</summary>
    public bool Remove(bool kill = false) => _folder.Remove(kill ? Kill : null);

    /// <summary>As <see cref="GroupFolder.Sweep"/>.</summary>
    public static void Sweep()
    {
        if (Hierarchy is string root) GroupFolder.Sweep(root);
    }

    private static void Collect(string path, List<int> found)
    {
        if (GroupFolder.TryRead($"{path}/cgroup.procs") is not string processes) return;
        foreach (string line in processes.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            // 0 is a process of another pid namespace, which no number here names.
            if (int.Parse(line, CultureInfo.InvariantCulture) is int pid and > 0) found.Add(pid);
        // A directory has two links and one for each below it.
        if (Files.Status(path) is not { Links: > 2 }) return;
        foreach (string child in GroupFolder.Children(path)) Collect(child, found);
    }

    private static string? FindHierarchy()
    {
        foreach (string path in (string[])["/sys/fs/cgroup", "/sys/fs/cgroup/unified"])
            if (Files.StatusFollowed(path) is not null && Files.FileSystemType(path) == Files.CGROUP2_SUPER_MAGIC) return path;
        return null;
    }
}
