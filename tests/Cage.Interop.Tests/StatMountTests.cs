using System.Runtime.InteropServices;
using Cage.Tests;

namespace Cage.Interop.Tests;

public partial class StatMountTests
{
    [StatMountFact]
    public void Agrees_with_mountinfo_for_every_mount_of_this_machine()
    {
        // In a copy of the machine's table, for others mount and unmount meanwhile; as it is where that needs root.
        if (Environment.IsPrivilegedProcess) MountNamespace.Run(() => AssertAgrees(MountTable.Read()));
        else AssertAgrees(MountTable.Read());
    }

    [StatMountFact(NeedsRoot = true)]
    public void Agrees_with_mountinfo_for_odd_mounts() => MountNamespace.Run(directory =>
    {
        string[] names = ["a b", "tab\tline\nback\\slash", "#hash", "grün 日本 😀", "shared", "follower", "alone"];
        foreach (string name in names)
        {
            Directory.CreateDirectory($"{directory}/{name}");
            MountNamespace.Mount(name, $"{directory}/{name}", "tmpfs", 0, "size=64k");
        }
        MountNamespace.Mount(null, $"{directory}/shared", null, MountNamespace.MS_SHARED);
        MountNamespace.Mount($"{directory}/shared", $"{directory}/follower", null, MountNamespace.MS_BIND);
        MountNamespace.Mount(null, $"{directory}/follower", null, MountNamespace.MS_SLAVE);
        MountNamespace.Mount(null, $"{directory}/follower", null, MountNamespace.MS_SHARED);
        MountNamespace.Mount(null, $"{directory}/alone", null, MountNamespace.MS_UNBINDABLE);
        MountNamespace.Mount("", $"{directory}/alone", "tmpfs");

        IReadOnlyList<MountEntry> table = MountTable.Read();
        Assert.Contains(table, m => m.Propagation.Contains("master:", StringComparison.Ordinal));
        Assert.Contains(table, m => m.Propagation == "unbindable");
        AssertAgrees(table);
    });

    [StatMountFact(NeedsRoot = true)]
    public void Lists_more_than_one_page_each_once() => MountNamespace.Run(directory =>
    {
        for (int i = 0; i < 600; i++)
        {
            Directory.CreateDirectory($"{directory}/{i}");
            MountNamespace.Mount(directory, $"{directory}/{i}", null, MountNamespace.MS_BIND);
        }
        ulong[] ids = StatMount.List();
        Assert.Equal(MountTable.Read().Count, ids.Length);
        Assert.Equal(ids.Distinct(), ids);
    });

    [StatMountFact(NeedsRoot = true)]
    public void Lists_what_is_beneath_one_mount_at_any_depth_and_not_itself() => MountNamespace.Run(directory =>
    {
        ulong own = StatMount.List()[^1];
        Assert.Equal(directory, StatMount.Read(own).MountPoint);
        Assert.Empty(StatMount.List(own));
        Directory.CreateDirectory($"{directory}/a");
        MountNamespace.Mount("a", $"{directory}/a", "tmpfs");
        Directory.CreateDirectory($"{directory}/a/b");
        MountNamespace.Mount("b", $"{directory}/a/b", "tmpfs");
        Assert.Equal([$"{directory}/a", $"{directory}/a/b"], StatMount.List(own).Select(id => StatMount.Read(id).MountPoint));
    });

    [StatMountFact(NeedsRoot = true)]
    public void A_mount_with_more_to_tell_than_the_first_buffer_holds_is_told_whole() => MountNamespace.Run(directory =>
    {
        string source = new('s', 4000);
        MountNamespace.Mount(source, directory, "tmpfs");
        MountDetails mount = StatMount.Read(StatMount.List()[^1]);
        Assert.Equal(directory, mount.MountPoint);
        if (mount.Source is not null) Assert.Equal(source, mount.Source);
    });

    [StatMountFact]
    public void A_mount_that_is_not_there_is_an_error()
    {
        Assert.Equal("ENOENT", Assert.Throws<LinuxException>(() => StatMount.Read(ulong.MaxValue - 1)).Name);
        Assert.Equal("ENOENT", Assert.Throws<LinuxException>(() => StatMount.List(ulong.MaxValue - 1)).Name);
    }

    [StatMountFact]
    public void A_namespace_that_is_not_there_is_an_error()
    {
        if (Environment.OSVersion.Version < new Version(6, 11)) return;
        Assert.Equal("ENOENT", Assert.Throws<LinuxException>(() => StatMount.List(namespaceId: ulong.MaxValue - 1)).Name);
    }

    [StatMountFact(NeedsRoot = true)]
    public void A_namespace_can_be_named() => MountNamespace.Run(directory =>
    {
        using Descriptor mine = Files.Open("/proc/thread-self/ns/mnt", Files.O_RDONLY);
        using Descriptor process = Files.Open("/proc/self/ns/mnt", Files.O_RDONLY);
        if (ioctl(mine.Number, NS_GET_MNTNS_ID, out ulong id) != 0 || ioctl(process.Number, NS_GET_MNTNS_ID, out ulong other) != 0) return;
        Assert.Equal(StatMount.List(), StatMount.List(namespaceId: id));
        ulong own = StatMount.List()[^1];
        Assert.Equal(directory, StatMount.Read(own, id).MountPoint);
        Assert.DoesNotContain(own, StatMount.List(namespaceId: other));
    });

    private const nuint NS_GET_MNTNS_ID = 0x8008B705;

    [LibraryImport("libc")]
    private static partial int ioctl(int file, nuint request, out ulong id);

    private static void AssertAgrees(IReadOnlyList<MountEntry> table)
    {
        MountDetails[] all = StatMount.List().Select(id => StatMount.Read(id)).ToArray();
        Dictionary<ulong, int> tableIds = all.ToDictionary(m => m.Id, m => m.TableId!.Value);
        Assert.Equal(table.Select(m => m.Id).Order(), tableIds.Values.Order());

        Version kernel = Environment.OSVersion.Version;
        Dictionary<int, MountEntry> entries = table.ToDictionary(m => m.Id);
        foreach (MountDetails mount in all)
        {
            MountEntry entry = entries[mount.TableId!.Value];
            Assert.Equal((entry.Root, entry.MountPoint, entry.Propagation), (mount.Root, mount.MountPoint, mount.Propagation));
            if (tableIds.TryGetValue(mount.ParentId!.Value, out int parent) && mount.ParentId != mount.Id)
                Assert.Equal(entry.ParentId, parent);
            if (kernel >= new Version(6, 11)) Assert.Equal(entry.SuperOptions, Whole(entry, mount.SuperOptions));
            if (kernel < new Version(6, 13)) continue;
            Assert.Equal(entry.Type, mount.Type);
            Assert.Equal(entry.Source, mount.Source ?? "");
        }
    }

    // mountinfo puts before them what the super block itself says: rw or ro, sync, dirsync, lazytime.
    private static string Whole(MountEntry entry, string? options)
    {
        string[] own = ["rw", "ro", "sync", "dirsync", "lazytime", "mand"];
        string before = string.Join(',', entry.SuperOptions.Split(',').TakeWhile(own.Contains));
        return options is null ? before : $"{before},{options}";
    }
}

/// <summary>A fact of statmount(2), skipped on a kernel before 6.8.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class StatMountFactAttribute : FactAttribute
{
    private bool _needsRoot;

    public StatMountFactAttribute()
    {
        if (!StatMount.IsSupported) Skip = "needs statmount(2), Linux 6.8";
    }

    public bool NeedsRoot
    {
        get => _needsRoot;
        set
        {
            _needsRoot = value;
            if (value && !Environment.IsPrivilegedProcess) Skip = "needs root";
        }
    }
}
