using System.Globalization;
using System.Text;
using Cage.Interop;

namespace Cage.Engine.State;

/// <summary>A cage's control groups of version 1, one in each hierarchy where it needs one (Documentation/admin-guide/cgroup-v1/): for what
/// the version 2 hierarchy of this host cannot do. Most cages have none.</summary>
internal static class LegacyGroups
{
    /// <summary>The controllers that Cage may use there; each is mounted by its name, by convention of all distributions.</summary>
    private static readonly string[] _controllers = ["memory", "cpu", "pids", "blkio", "freezer"];

    /// <summary>Where a controller's hierarchy is; null where there is none.</summary>
    public static string? Hierarchy(string controller)
    {
        string path = Place(controller);
        return Files.StatusFollowed(path) is not null && Files.FileSystemType(path) == Files.CGROUP_SUPER_MAGIC ? path : null;
    }

    /// <summary>Those that a cage has now.</summary>
    public static IEnumerable<GroupFolder> Of(Guid id) => _controllers.Select(controller => new GroupFolder(Place(controller), id)).Where(group => group.Exists);

    /// <summary>The files by which a new process puts itself into them. Of all ways in, a thread's own write of "0" to <c>tasks</c> alone waits
    /// for no grace period of RCU (cgroup_procs_write_start in the kernel's kernel/cgroup/cgroup.c).</summary>
    public static IReadOnlyList<Descriptor> OpenTasks(Guid id) => 
        [.. _controllers.Select(controller => Files.TryOpen($"{new GroupFolder(Place(controller), id).Path}/tasks", Files.O_WRONLY)).OfType<Descriptor>()];

    /// <summary>Puts processes that run already into one of them; what has ended meanwhile is fine.</summary>
    public static void Move(GroupFolder group, IEnumerable<int> processes)
    {
        using Descriptor file = Files.Open($"{group.Path}/cgroup.procs", Files.O_WRONLY);
        foreach (int pid in processes)
        {
            try
            {
                Files.Write(file, Encoding.ASCII.GetBytes(pid.ToString(CultureInfo.InvariantCulture)));
            }
            catch (LinuxException e) when (e.Number == Errno.ESRCH)
            {
            }
        }
    }

    /// <summary>The numbers of the processes in one of them.</summary>
    public static IEnumerable<int> Processes(GroupFolder group)
    {
        using Descriptor file = Files.Open($"{group.Path}/cgroup.procs", Files.O_RDONLY);
        return Array.ConvertAll(Encoding.ASCII.GetString(Files.ReadAll(file, 64 << 20)).Split('\n', StringSplitOptions.RemoveEmptyEntries), line => int.Parse(line, CultureInfo.InvariantCulture));
    }

    /// <summary>Takes them all away.</summary>
    public static void Remove(Guid id)
    {
        foreach (GroupFolder group in Of(id)) group.Remove();
    }

    /// <summary>As <see cref="GroupFolder.Sweep"/>, in all hierarchies.</summary>
    public static void Sweep()
    {
        foreach (string controller in _controllers) GroupFolder.Sweep(Place(controller));
    }

    private static string Place(string controller) => $"/sys/fs/cgroup/{controller}";
}
