namespace Cage.Tests;

/// <summary>A file system of its own for a test: an image on a loop device, mounted in a mount namespace that only the test's thread is in. The image
/// has no name and the device no other user, so that nothing is left whatever ends the test.</summary>
public static class Disk
{
    private const ulong MS_NOATIME = 1024;

    /// <summary>The file systems that snapshots are made on.</summary>
    public static readonly string[] Types = ["btrfs", "xfs", "ext4"];

    /// <summary>Runs <paramref name="body"/> with the path of an empty file system of <paramref name="type"/>.</summary>
    /// <param name="type">btrfs, xfs (with reflink), ext4 or tmpfs.</param>
    /// <param name="body">The test; on a thread of its own.</param>
    /// <param name="mebibytes">How large it is; XFS takes 300 at least.</param>
    public static void Run(string type, Action<string> body, int mebibytes = 320) => MountNamespace.Run(folder =>
    {
        Mount(type, Directory.CreateDirectory($"{folder}/{type}").FullName, mebibytes);
        body($"{folder}/{type}");
    });

    /// <summary>Mounts one more on an empty directory of the calling thread's mount namespace.</summary>
    public static void Mount(string type, string target, int mebibytes = 320, string options = "noatime")
    {
        if (type == "tmpfs")
        {
            MountNamespace.Mount("test", target, "tmpfs", MS_NOATIME, $"size={mebibytes}m");
            return;
        }
        // In memory: a disk that others keep busy would take its time.
        string image = $"/dev/shm/cage-test-{Guid.NewGuid():N}", quiet = type == "btrfs" ? "-q --nodiscard" : type == "xfs" ? "-q -K" : "-q -F -b 4096 -m 0 -E lazy_itable_init=1,nodiscard";
        try
        {
            Shell.Run($"truncate -s {mebibytes}M \"$image\"; mkfs.{type} {quiet} \"$image\"; mount -o loop,{options} \"$image\" \"$target\"; rm -rf \"$target/lost+found\"", ("image", image), ("target", target));
        }
        finally
        {
            File.Delete(image);
        }
    }

    /// <summary>Why there can be no such file system here; null where there can.</summary>
    public static string? WhyNot(params string[] types) =>
        !Environment.IsPrivilegedProcess ? "needs root"
        : types.FirstOrDefault(type => !new[] { "/usr/sbin", "/sbin" }.Any(folder => File.Exists($"{folder}/mkfs.{type}"))) is string missing ? $"needs mkfs.{missing}"
        : null;
}

/// <summary>A fact that needs root and these file systems; without, it is counted as skipped and says so.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class DiskFactAttribute : FactAttribute
{
    public DiskFactAttribute(params string[] types) => Skip = Disk.WhyNot(types.Length == 0 ? Disk.Types : types) ?? CageNeeds.Missing;
}

/// <summary>A theory, as <see cref="DiskFactAttribute"/>.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class DiskTheoryAttribute : TheoryAttribute
{
    public DiskTheoryAttribute(params string[] types) => Skip = Disk.WhyNot(types.Length == 0 ? Disk.Types : types) ?? CageNeeds.Missing;
}
