using Cage.Interop;

namespace Cage.Engine.State;

/// <summary>Who keeps a mount busy, or still has it in a mount namespace of its own: what fuser(1) would say, from /proc.</summary>
internal static class MountHolders
{
    private const int Named = 5;

    private static readonly string[] _links = ["cwd", "root", "exe"];

    /// <summary>The processes that use something on <paramref name="path"/>, in words.</summary>
    public static string Describe(string path)
    {
        List<string> holders = [.. Find(path).Take(Named + 1)];
        return holders.Count == 0 ? "no process says that it uses it (a mount namespace, a loop device or the kernel may)"
            : $"used by {string.Join(", ", holders.Take(Named))}{(holders.Count > Named ? " and more" : "")}";
    }

    /// <summary>The processes whose own mount namespaces have something mounted at or beneath <paramref name="path"/>, one for each namespace.</summary>
    public static IEnumerable<string> InOtherNamespaces(string path)
    {
        HashSet<string> seen = [Files.ReadLink("/proc/thread-self/ns/mnt") ?? ""];
        foreach (int pid in Pids())
        {
            if (TryReadLink($"/proc/{pid}/ns/mnt") is not string view || !seen.Add(view)) continue;
            bool holds;
            try
            {
                holds = MountTable.Read($"/proc/{pid}/mountinfo").Beneath(path).Any();
            }
            catch (LinuxException)
            {
                continue;
            }
            if (holds) yield return Name(pid);
        }
    }

    /// <summary>The processes that see an overlay with a layer at or beneath <paramref name="path"/>, one for each mount namespace: a cage that is not kept,
    /// or a mount made by hand.</summary>
    public static IEnumerable<string> WithLayer(string path)
    {
        HashSet<string> seen = [];
        foreach (int pid in Pids())
        {
            if (TryReadLink($"/proc/{pid}/ns/mnt") is not string view || !seen.Add(view)) continue;
            bool holds;
            try
            {
                holds = MountTable.Read($"/proc/{pid}/mountinfo").Where(mount => mount.Type == "overlay")
                    .SelectMany(mount => mount.SuperOption("lowerdir+").Concat(mount.SuperOption("lowerdir").SelectMany(layers => layers.Split(':'))))
                    .Any(layer => layer.StartsWith('/') && !layer.StartsWith("/proc/", StringComparison.Ordinal) && IsBeneath(RealPath(layer), path));
            }
            catch (LinuxException)
            {
                continue;
            }
            if (holds) yield return Name(pid);
        }
    }

    private static string RealPath(string path)
    {
        try
        {
            using Descriptor? folder = Files.TryOpen(path, Files.O_PATH);
            return folder is null ? path : Files.ReadLink(folder.ProcPath) ?? path;
        }
        catch (LinuxException)
        {
            return path;
        }
    }

    private static IEnumerable<string> Find(string path)
    {
        foreach (int pid in Pids())
        {
            string? how = _links.FirstOrDefault(link => IsBeneath(TryReadLink($"/proc/{pid}/{link}"), path)) ?? (HasOpen(pid, path) ? "open file" : null);
            if (how is not null) yield return $"{Name(pid)}, its {how}";
        }
    }

    private static bool HasOpen(int pid, string path)
    {
        try
        {
            return Directory.EnumerateFileSystemEntries($"/proc/{pid}/fd").Any(entry => IsBeneath(TryReadLink(entry), path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static IEnumerable<int> Pids()
    {
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
            if (int.TryParse(Path.GetFileName(folder.AsSpan()), out int pid)) yield return pid;
    }

    private static string Name(int pid) => $"process {pid} ({ProcessStat.Read(pid)?.Name ?? "gone"})";

    private static string? TryReadLink(string path)
    {
        try
        {
            return Files.ReadLink(path);
        }
        catch (LinuxException)
        {
            return null;
        }
    }

    /// <summary>Whether a path is <paramref name="folder"/> or lies in it, by whole components.</summary>
    internal static bool IsBeneath(string? path, string folder) =>
        path is not null && path.StartsWith(folder, StringComparison.Ordinal) && (path.Length == folder.Length || path[folder.Length] == '/');
}
