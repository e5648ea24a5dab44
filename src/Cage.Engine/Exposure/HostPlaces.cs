using Cage.Engine.State;
using Cage.Interop;

namespace Cage.Engine.Exposure;

/// <summary>Places of the host from which it can be changed or taken over.</summary>
internal static class HostPlaces
{
    /// <summary>Folders: whoever writes to one of them, or to what lies right in it, decides what the host does.</summary>
    public static readonly IReadOnlyList<string> Vital =
        ["/", "/boot", "/dev", "/etc", "/lib", "/lib64", "/opt", "/proc", "/root", "/run", "/sbin", "/bin", "/sys", "/usr", "/var", "/home"];

    /// <summary>Sockets: whoever asks there is answered by something with the host's root's rights, which starts what he likes.</summary>
    private static readonly string[] _controls =
    [
        "/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock", "/run/crio/crio.sock", "/run/buildkit/buildkitd.sock", "/run/libvirt/libvirt-sock",
        "/run/lxd.socket", "/var/lib/lxd/unix.socket", "/var/lib/incus/unix.socket", "/run/snapd.socket", "/run/systemd/private", "/run/dbus/system_bus_socket",
    ];

    /// <summary>The sockets of that kind that are at <paramref name="path"/>, or beneath it on the host now.</summary>
    public static IEnumerable<string> ControlsAt(string path) =>
        _controls.Where(socket => socket == path || (MountHolders.IsBeneath(socket, path == "/" ? "" : path) && Files.Status(socket) is { IsSocket: true }));

    /// <summary>Whether a user of the host who is nobody there can go to a folder.</summary>
    public static bool IsOpenToAll(string path)
    {
        const uint SearchByOthers = 1;
        for (string? at = path; at is not null; at = Path.GetDirectoryName(at))
            if (Files.Status(at) is not FileStatus status || (status.IsDirectory && (status.Mode & SearchByOthers) == 0)) return false;
        return true;
    }
}
