using Cage.Interop;

namespace Cage.Tests;

/// <summary>What cages may leave behind: mounts, processes, control groups, loop devices, notes. Looks for it, takes it away, and tells.</summary>
public static class Leftovers
{
    private static readonly string[] _hierarchies = 
        ["/sys/fs/cgroup/unified", "/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/pids", "/sys/fs/cgroup/blkio", "/sys/fs/cgroup/freezer"];

    /// <summary>A control group of a cage, where it has one now.</summary>
    public static string? GroupOf(Guid id) => GroupsOf(id).FirstOrDefault();

    /// <summary>The control groups of a cage, of both versions.</summary>
    public static IEnumerable<string> GroupsOf(Guid id) => _hierarchies.Select(root => $"{root}/cage/{id:D}").Where(Directory.Exists);

    /// <summary>Takes away what is left of the cages with these ids whose files are beneath <paramref name="folder"/>, and says what it was.</summary>
    public static IReadOnlyList<string> Clear(string folder, IEnumerable<Guid> ids)
    {
        List<string> found = [];
        foreach (Guid id in ids.Distinct())
            foreach (string group in GroupsOf(id)) ClearGroup(group, found);
        ClearProcesses(folder, found);
        foreach (MountEntry mount in MountTable.Read().Beneath(folder).Reverse())
        {
            found.Add($"mount {mount.MountPoint} ({mount.Type})");
            Mounts.Unmount(mount.MountPoint, detach: true);
        }
        foreach (string device in Directory.GetDirectories("/sys/block", "loop*"))
            if (File.Exists($"{device}/loop/backing_file") && File.ReadAllText($"{device}/loop/backing_file").StartsWith(folder, StringComparison.Ordinal))
                found.Add($"loop device {device}");
        return found;
    }

    /// <summary>The processes whose root or working directory is at or beneath <paramref name="folder"/>.</summary>
    public static IEnumerable<int> ProcessesBeneath(string folder)
    {
        foreach (string entry in Directory.EnumerateDirectories("/proc"))
            if (int.TryParse(Path.GetFileName(entry), out int pid) && (IsBeneath($"{entry}/root", folder) || IsBeneath($"{entry}/cwd", folder)))
                yield return pid;
    }

    private static void ClearGroup(string group, List<string> found)
    {
        string[] processes = [.. Directory.EnumerateFiles(group, "cgroup.procs", SearchOption.AllDirectories).SelectMany(File.ReadAllLines)];
        found.Add($"control group {group}{(processes.Length == 0 ? "" : $" with {string.Join(", ", processes.Select(Describe))}")}");
        if (File.Exists($"{group}/cgroup.kill")) File.WriteAllText($"{group}/cgroup.kill", "1");
        for (int attempt = 0; attempt < 100 && Directory.Exists(group); attempt++)
        {
            try
            {
                foreach (string below in Directory.EnumerateDirectories(group, "*", SearchOption.AllDirectories).Reverse()) Files.RemoveDirectory(below);
                Files.RemoveDirectory(group);
            }
            catch (LinuxException)
            {
                Thread.Sleep(10);
            }
        }
    }

    private static void ClearProcesses(string folder, List<string> found)
    {
        foreach (int pid in ProcessesBeneath(folder))
        {
            found.Add($"process {Describe($"{pid}")}");
            using Descriptor? handle = Processes.TryOpen(pid);
            if (handle is null) continue;
            Processes.Signal(handle, Processes.SIGKILL);
            Channels.WaitReadable(handle, 5000);
        }
    }

    private static string Describe(string pid)
    {
        try
        {
            return $"{pid} ({File.ReadAllText($"/proc/{pid}/comm").Trim()})";
        }
        catch (IOException)
        {
            return pid;
        }
    }

    private static bool IsBeneath(string link, string folder)
    {
        try
        {
            return Files.ReadLink(link) is string target && (target == folder || target.StartsWith(folder + "/", StringComparison.Ordinal));
        }
        catch (LinuxException)
        {
            return false;
        }
    }
}
