using System.Globalization;
using System.Text;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.State;

/// <summary>A cage's control group, version 2: <c>cage/&lt;id&gt;</c> below the hierarchy's root (Documentation/admin-guide/cgroup-v2.rst).
/// What is started in a cage is born in it, so it knows the processes of every cage, whatever their isolation.</summary>
internal sealed class ControlGroup
{
    private const string Parent = "cage";

    private static readonly Lazy<string?> _hierarchy = new(FindHierarchy);

    private readonly string _path;

    private ControlGroup(string path) => _path = path;

    public string Path => _path;

    /// <summary>The group of that cage; null where no version 2 hierarchy is mounted.</summary>
    public static ControlGroup? Of(Guid id) => _hierarchy.Value is string root ? new ControlGroup($"{root}/{Parent}/{id:D}") : null;

    public bool Exists => Files.Status(_path) is not null;

    public void Create()
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                Files.MakeDirectory(_path, 0x1ed);
                return;
            }
            catch (LinuxException e) when (e.Number == Errno.EEXIST)
            {
                return;
            }
            catch (LinuxException e) when (e.Number == Errno.ENOENT && attempt < 10)
            {
                // The last cage to stop takes the parent away: it may do so between these two.
                try
                {
                    Files.MakeDirectory(System.IO.Path.GetDirectoryName(_path)!, 0x1ed);
                }
                catch (LinuxException other) when (other.Number == Errno.EEXIST)
                {
                }
            }
        }
    }

    /// <summary>Makes it and holds its lock, for a cage that is not kept: a group whose lock is free is one that <see cref="Sweep"/> may take away.</summary>
    public Descriptor CreateHeld()
    {
        while (true)
        {
            Create();
            if (TryOpen() is not Descriptor group) continue;
            if (Files.Lock(group, wait: false) && Exists) return group;
            group.Dispose();
        }
    }

    public Descriptor? TryOpen() => Files.TryOpen(_path, Files.O_RDONLY | Files.O_DIRECTORY);

    /// <summary>The numbers of its processes, those of groups made below it included.</summary>
    public IReadOnlyList<int> Processes()
    {
        List<int> found = [];
        Collect(_path, found);
        return found;
    }

    /// <summary>Kills all that is in it at once (cgroup.kill, Linux 5.14).</summary>
    public void Kill()
    {
        using Descriptor? file = TryOpenKill();
        if (file is not null) Files.Write(file, "1"u8);
    }

    /// <summary>The file that kills all that is in it when "1" is written; null where there is none.</summary>
    public Descriptor? TryOpenKill() => Files.TryOpen($"{_path}/cgroup.kill", Files.O_WRONLY);

    /// <summary>Takes it away, with groups made below it, and the parent when it was the last. One that still has processes stays.</summary>
    /// <param name="kill">Whether those are killed.</param>
    /// <returns>Whether it was the last.</returns>
    public bool Remove(bool kill = false)
    {
        // A process that has ended leaves its group a moment after its pidfd says so.
        for (int attempt = 0; attempt < 200 && !TryRemove(_path); attempt++)
        {
            if (kill) Kill();
            Thread.Sleep(1);
        }
        return TryRemoveDirectory(System.IO.Path.GetDirectoryName(_path)!);
    }

    /// <summary>Takes away the groups that cages which are not kept have left because their command was killed.</summary>
    public static void Sweep()
    {
        if (_hierarchy.Value is not string root || Files.Status($"{root}/{Parent}") is null) return;
        foreach (string path in Children($"{root}/{Parent}"))
        {
            if (!Guid.TryParseExact(System.IO.Path.GetFileName(path), "D", out Guid id) || !EphemeralId.Is(id)) continue;
            using Descriptor? group = Files.TryOpen(path, Files.O_RDONLY | Files.O_DIRECTORY);
            if (group is not null && Files.Lock(group, wait: false)) TryRemove(path);
        }
        TryRemoveDirectory($"{root}/{Parent}");
    }

    private static bool TryRemove(string path)
    {
        if (TryRemoveDirectory(path)) return true;
        foreach (string child in Children(path)) TryRemove(child);
        return TryRemoveDirectory(path);
    }

    private static bool TryRemoveDirectory(string path)
    {
        try
        {
            Files.RemoveDirectory(path);
            return true;
        }
        catch (LinuxException e) when (e.Number is Errno.EBUSY or Errno.ENOTEMPTY)
        {
            return false;
        }
    }

    private static void Collect(string path, List<int> found)
    {
        using (Descriptor? file = Files.TryOpen($"{path}/cgroup.procs", Files.O_RDONLY))
        {
            if (file is null) return;
            foreach (string line in Encoding.ASCII.GetString(Files.ReadAll(file, 64 << 20)).Split('\n', StringSplitOptions.RemoveEmptyEntries))
                // 0 is a process of another pid namespace, which no number here names.
                if (int.Parse(line, CultureInfo.InvariantCulture) is int pid and > 0) found.Add(pid);
        }
        // A directory has two links and one for each below it.
        if (Files.Status(path) is not { Links: > 2 }) return;
        foreach (string child in Children(path)) Collect(child, found);
    }

    private static string[] Children(string path)
    {
        try
        {
            return Directory.GetDirectories(path);
        }
        catch (DirectoryNotFoundException)
        {
            // Another command has taken it away.
            return [];
        }
    }

    private static string? FindHierarchy()
    {
        foreach (string path in (string[])["/sys/fs/cgroup", "/sys/fs/cgroup/unified"])
            if (Files.StatusFollowed(path) is not null && Files.FileSystemType(path) == Files.CGROUP2_SUPER_MAGIC) return path;
        return null;
    }
}
