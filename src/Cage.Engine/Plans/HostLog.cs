using Cage.Engine.Roots;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Plans;

/// <summary>How a cage reaches the host's syslog or journal through its own <c>/dev/log</c>. Whoever listens there makes the socket anew when it starts, and what was bound
/// would be the old one: so the folder that it lies in is bound, where it has one of its own, and /dev/log is a link into that. Elsewhere the socket alone is bound, and
/// <see cref="Runtime.LogFollower"/> binds the next one in its place. [003]</summary>
/// <param name="Source">What of the host is bound.</param>
/// <param name="Target">Where, below the root.</param>
/// <param name="Link">What /dev/log says in the cage; null where the socket itself is bound there.</param>
internal sealed record HostLog(string Source, string Target, string? Link)
{
    public const string Path = "/dev/log";

    private const string Folder = ".log";
    /// <summary>Read-only: a socket can be written to all the same, and nothing put in its place.</summary>
    public const ulong Attributes = Mounts.MOUNT_ATTR_RDONLY | Mounts.MOUNT_ATTR_NOSUID | Mounts.MOUNT_ATTR_NODEV | Mounts.MOUNT_ATTR_NOEXEC;

    /// <summary>Folders that have much else in them.</summary>
    private static readonly string[] _shared = ["/", "/dev", "/run", "/tmp", "/var", "/var/run", "/var/tmp"];

    /// <summary>Whether what is bound is out of use once it is made anew.</summary>
    public bool IsSocketAlone => Link is null;

    /// <summary>Where the host's is.</summary>
    /// <exception cref="CageException">CageStartFailed: nobody listens.</exception>
    public static HostLog Find(CageRecord record)
    {
        using RootView host = new("/");
        Place place = host.Find(Path);
        string folder = System.IO.Path.GetDirectoryName(place.Path)!;
        if (!_shared.Contains(folder) && host.Find(folder).IsFolder) return new HostLog(folder, $"dev/{Folder}", $"{Folder}/{System.IO.Path.GetFileName(place.Path)}");
        return place.Status is { IsSocket: true }
            ? new HostLog(place.Path, Path[1..], null)
            : throw new CageException(
                CageError.CageStartFailed, $"The host has no socket {Path} ({(place.Status is null ? "ENOENT" : "ENOTSOCK")}) to give to \"{record.Name}\".",
                "Start its syslog or journal, or take log from the cage's device list.", Path);
    }

    /// <summary>The step that binds it.</summary>
    public BindHost Bind() => new(Source, Target, Attributes);
}
