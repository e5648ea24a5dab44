using Cage.Engine.Plans;
using Cage.Engine.Roots;
using Cage.Interop;

namespace Cage.Engine.Runtime;

/// <summary>The process that keeps the host's log within a cage's reach where its socket has no folder of its own (<c>cage follow-log</c>): when the host's syslog has made its
/// socket anew, it is bound in the cage in place of the old one. What is logged does not pass through it, and it has nothing of the cage open. Like a supervisor it lives in the
/// cage's control group, but outside of its namespaces; it ends with the cage's init or, in Chroot, once nothing is mounted there.</summary>
public static class LogFollower
{
    /// <summary>What it is called by.</summary>
    public const string Word = "follow-log";

    /// <summary>The descriptor of the cage's init; of nothing in Chroot.</summary>
    private const int Init = 3;

    /// <summary>How often to look where the kernel does not tell, in milliseconds.</summary>
    private const int Interval = 1000;

    /// <summary>Runs it. Returns the process's exit status.</summary>
    /// <param name="root">The cage's root, as seen in its mount namespace.</param>
    public static int Run(string root)
    {
        OwnMemory.Outlive();
        using Descriptor init = new(Init);
        bool isChroot = root != "/";
        using Descriptor? mounts = isChroot ? Files.Open("/proc/self/mountinfo", Files.O_RDONLY) : null;
        using Descriptor? watch = FolderWatch.TryOpen(Path.GetDirectoryName(Look().Path)!);
        FileStatus? bound = null;
        while (!isChroot || Files.Status(root) is { IsMountRoot: true })
        {
            if (Look() is { Status: { IsSocket: true } socket } place && bound?.IsSameFile(socket) != true && TryBind(place.Path, isChroot ? null : init, root))
            {
                bound = socket;
                OwnMemory.ForgetCode();
            }
            Span<PollEntry> entries = [new(isChroot ? null : init, Channels.POLLIN), new(watch, Channels.POLLIN), new(mounts, Channels.POLLPRI)];
            Channels.Poll(entries, watch is null ? Interval : -1);
            if (entries[0].Ready != 0) return 0;
            if (entries[1].Ready != 0) FolderWatch.Take(watch!);
        }
        return 0;
    }

    private static Place Look()
    {
        using RootView host = new("/");
        return host.Find(HostLog.Path);
    }

    /// <summary>The host's may be gone again by now, and root inside may have put something in the way: the next look is another try.</summary>
    private static bool TryBind(string source, Descriptor? init, string root)
    {
        try
        {
            using Descriptor socket = Files.OpenWithoutLinks(source, Files.O_PATH);
            using Descriptor mount = Mounts.CloneTree(socket);
            Mounts.SetAttributes(mount, HostLog.Attributes, Mounts.MS_PRIVATE);
            Mounts.Replace(mount, init, root, HostLog.Path[1..]);
            return true;
        }
        catch (LinuxException)
        {
            return false;
        }
    }
}
