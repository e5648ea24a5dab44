using Cage.Interop;

namespace Cage.Engine.Runtime;

/// <summary>The <c>cage</c> program as a cage's init executes it: through a detached read-only mount of that one file, so that a cage
/// cannot write to the host's copy by way of /proc/1/exe (CVE-2019-5736). Where that cannot be had, or the file has lost its mode (Publish-PSResource
/// and NuGet's tools drop it), a sealed copy in memory.</summary>
public sealed class StageBinary : IDisposable
{
    private const string Running = "/proc/self/exe";

    private readonly string _path;
    private Descriptor? _open;

    /// <summary>Takes the program at <paramref name="path"/>; it is opened when it is first needed.</summary>
    public StageBinary(string path) => _path = path;

    /// <summary>The program that is running now: for <c>cage</c> itself.</summary>
    public static StageBinary Self() => new(Running);

    /// <summary>Where the program is.</summary>
    internal string Path => _path == Running ? Files.ReadLink(Running) ?? Running : _path;

    internal Descriptor Open()
    {
        lock (_path) return _open ??= Shield();
    }

    /// <inheritdoc/>
    public void Dispose() => _open?.Dispose();

    private Descriptor Shield()
    {
        FileStatus status = Files.StatusFollowed(_path) ??
            throw new CageException(CageError.CageStartFailed, $"{_path}: the cage program is not there (ENOENT).", "Install it again, or build it with build.sh.", _path);
        if (!status.IsExecutable) return CopyToMemory();
        try
        {
            Descriptor mount = Mounts.CloneTree(_path);
            Mounts.SetAttributes(mount, Mounts.MOUNT_ATTR_RDONLY | Mounts.MOUNT_ATTR_NOSUID | Mounts.MOUNT_ATTR_NODEV, Mounts.MS_PRIVATE);
            return mount;
        }
        catch (LinuxException e) when (e.Number is Errno.EINVAL or Errno.ENOSYS)
        {
            return CopyToMemory();
        }
    }

    private Descriptor CopyToMemory()
    {
        using Descriptor file = Files.Open(_path, Files.O_RDONLY);
        return Channels.SealedMemory("cage", Files.ReadAll(file, 64 << 20));
    }
}
