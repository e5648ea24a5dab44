namespace Cage.Cli.Tests;

/// <summary>What the kernel says is there, read by the tests themselves and not by what they test.</summary>
internal static class HostView
{
    /// <summary>The version 2 hierarchy of control groups; null where none is mounted.</summary>
    public static string? ControlGroups { get; } =
        File.ReadLines("/proc/mounts").Select(line => line.Split(' '))
            .FirstOrDefault(fields => fields[2] == "cgroup2" && fields[1].StartsWith("/sys/fs/cgroup", StringComparison.Ordinal))?[1];

    /// <summary>The control group that a cage with that id has while it runs.</summary>
    public static string? GroupOf(string id) => ControlGroups is null ? null : $"{ControlGroups}/cage/{id}";

    /// <summary>The control groups of either version that a cage with that id has now.</summary>
    public static IEnumerable<string> GroupsOf(string id) =>
        ((string[])["memory", "cpu", "pids", "blkio", "freezer"]).Select(name => $"/sys/fs/cgroup/{name}/cage/{id}").Append(GroupOf(id) ?? "").Where(Directory.Exists);

    /// <summary>Whether a control group has processes.</summary>
    public static bool IsPopulated(string group) => Lines($"{group}/cgroup.events").Contains("populated 1");

    /// <summary>The lines of our own mount table with <paramref name="token"/>.</summary>
    public static IReadOnlyList<string> Mounts(string token) => [.. Lines("/proc/self/mountinfo").Where(line => line.Contains(token, StringComparison.Ordinal))];

    /// <summary>The numbers of all processes that live; zombies do not.</summary>
    public static IEnumerable<int> Processes() =>
        Directory.EnumerateDirectories("/proc").Select(path => int.TryParse(Path.GetFileName(path), out int pid) ? pid : 0).Where(pid => pid > 0 && Lives(pid));

    /// <summary>Whether it runs: a zombie does not, nor what has let go of everything and only waits to become one (PF_EXITING).</summary>
    public static bool Lives(int pid) =>
        Stat(pid) is { Length: > 6 } fields && fields[0] is not ("Z" or "X") && (int.Parse(fields[6]) & 4) == 0;

    /// <summary>The processes in the control group of one of <paramref name="ids"/>, or with their root, directory or program in a path that has <paramref name="token"/>.</summary>
    public static IReadOnlyList<string> ProcessesOf(IReadOnlyCollection<string> ids, string token) =>
    [
        .. from pid in Processes()
           where Lines($"/proc/{pid}/cgroup").Any(line => ids.Any(id => line.Contains($"/cage/{id}", StringComparison.Ordinal))) ||
               ((string[])["root", "cwd", "exe"]).Any(link => Target($"/proc/{pid}/{link}")?.Contains(token, StringComparison.Ordinal) == true)
           select Describe(pid),
    ];

    /// <summary>The processes whose own mount tables have a mount with <paramref name="token"/> in it.</summary>
    public static IReadOnlyList<string> OtherTablesWith(string token) =>
        [.. from pid in Processes() where Lines($"/proc/{pid}/mountinfo").Any(line => line.Contains(token, StringComparison.Ordinal)) select Describe(pid)];

    /// <summary>The children of a process.</summary>
    public static int[] ChildrenOf(int parent) => [.. Processes().Where(pid => ParentOf(pid) == parent)];

    /// <summary>Whose process has <paramref name="token"/> in its command line.</summary>
    public static int[] WithCommandLine(string token) =>
        [.. Processes().Where(pid => pid != Environment.ProcessId && string.Join(' ', Lines($"/proc/{pid}/cmdline")).Replace('\0', ' ').Contains(token, StringComparison.Ordinal))];

    private static int ParentOf(int pid) => Stat(pid) is { Length: > 1 } fields ? int.Parse(fields[1]) : 0;

    /// <summary>The fields of proc_pid_stat(5) from the state on; a command's name may hold anything, newlines and parentheses too.</summary>
    private static string[] Stat(int pid)
    {
        string text = string.Join('\n', Lines($"/proc/{pid}/stat"));
        return text.Length == 0 ? [] : text[(text.LastIndexOf(')') + 2)..].Split(' ');
    }

    private static string Describe(int pid) => $"{pid} {string.Join(' ', Lines($"/proc/{pid}/cmdline")).Replace('\0', ' ')}";

    private static string? Target(string link)
    {
        try
        {
            return File.ResolveLinkTarget(link, returnFinalTarget: false)?.FullName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
