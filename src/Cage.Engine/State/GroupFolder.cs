using System.Text;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.State;

/// <summary>One cage's control group in one hierarchy: <c>cage/&lt;id&gt;</c> below the hierarchy's root or, on a systemd host, in the unit of all cages.</summary>
internal sealed class GroupFolder
{
    private const string Parent = "cage";
    private const uint Mode = 0x1ed;
    private const int Patience = 5000;

    public GroupFolder(string hierarchy, Guid id)
    {
        string own = $"{hierarchy}/{Parent}";
        // One that was made before the unit was stays where it is.
        ParentPath = DelegatedUnit.GroupIn(hierarchy) is string unit && Files.Status($"{own}/{id:D}") is null ? unit : own;
        IsDelegated = ParentPath != own;
        Path = $"{ParentPath}/{id:D}";
    }

    public string Path { get; }

    /// <summary>The folder of all cages' groups in that hierarchy.</summary>
    public string ParentPath { get; }

    /// <summary>Whether that is systemd's to make and to remove.</summary>
    public bool IsDelegated { get; }

    public bool Exists => Files.Status(Path) is not null;

    public void Create()
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                Files.MakeDirectory(Path, Mode);
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
                    Files.MakeDirectory(ParentPath, Mode);
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

    public Descriptor? TryOpen() => Files.TryOpen(Path, Files.O_RDONLY | Files.O_DIRECTORY);

    /// <summary>Takes it away, with groups made below it, and the parent when it was the last. One that still has processes stays.</summary>
    /// <param name="kill">Kills those, between attempts.</param>
    /// <returns>Whether it was the last.</returns>
    public bool Remove(Action? kill = null)
    {
        // A process that has ended leaves its group a moment after its pidfd says so, and a busy host takes its time for that.
        for (long end = Environment.TickCount64 + Patience; !TryRemove(Path) && Environment.TickCount64 < end;)
        {
            kill?.Invoke();
            Thread.Sleep(1);
        }
        return IsDelegated ? Children(ParentPath).Length == 0 : Files.TryRemoveDirectory(ParentPath);
    }

    /// <summary>Takes away the groups that cages which are not kept have left in a hierarchy because their command was killed.</summary>
    public static void Sweep(string hierarchy)
    {
        if (DelegatedUnit.GroupIn(hierarchy) is string unit) SweepIn(unit);
        string parent = $"{hierarchy}/{Parent}";
        if (Files.Status(parent) is null) return;
        SweepIn(parent);
        Files.TryRemoveDirectory(parent);
    }

    private static void SweepIn(string parent)
    {
        foreach (string path in Children(parent))
        {
            if (!Guid.TryParseExact(System.IO.Path.GetFileName(path), "D", out Guid id) || !EphemeralId.Is(id)) continue;
            using Descriptor? group = Files.TryOpen(path, Files.O_RDONLY | Files.O_DIRECTORY);
            if (group is not null && Files.Lock(group, wait: false)) TryRemove(path);
        }
    }

    public static string[] Children(string path)
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

    /// <summary>What a file of a group says; null when the group is not there, or goes (ENODEV) while it is read.</summary>
    public static string? TryRead(string path)
    {
        try
        {
            using Descriptor? file = Files.TryOpen(path, Files.O_RDONLY);
            return file is null ? null : Encoding.ASCII.GetString(Files.ReadAll(file, 64 << 20));
        }
        catch (LinuxException e) when (e.Number == Errno.ENODEV)
        {
            return null;
        }
    }

    private static bool TryRemove(string path)
    {
        if (Files.TryRemoveDirectory(path)) return true;
        foreach (string child in Children(path)) TryRemove(child);
        return Files.TryRemoveDirectory(path);
    }
}
