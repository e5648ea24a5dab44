using System.Collections.Concurrent;
using Cage.Engine.Snapshots;
using Cage.Interop;

namespace Cage.Engine.State;

/// <summary>What a tree takes on the disk. No link is followed, no mount crossed; a file with several names counts once.</summary>
internal sealed class DiskUsage
{
    private readonly ConcurrentDictionary<ulong, bool> _seen = new();
    private long _apparent, _allocated, _shared;
    private volatile bool _untold;

    /// <summary>Bytes as ls(1) adds them up: the sizes of the files.</summary>
    public long Apparent => _apparent;

    /// <summary>Bytes on the disk: without holes, with the ends of blocks and the folders themselves.</summary>
    public long Allocated => _allocated;

    /// <summary>Of these, what no other file shares (reflinks, snapshots); all, where the file system cannot share or does not tell.</summary>
    public long Exclusive => Math.Max(0, _allocated - _shared);

    /// <summary>Measures the tree at <paramref name="path"/>; one that is a link, and so belongs to somebody else, is nothing.</summary>
    public static DiskUsage Of(string path, CancellationToken cancellation)
    {
        DiskUsage usage = new();
        if (Files.Status(path) is not { IsDirectory: true } status) return usage;
        usage.Add(status);
        new TreeWalk(usage.Visit).Run(Files.Open(path, Files.O_RDONLY | Files.O_DIRECTORY | Files.O_NOFOLLOW), null, null, cancellation);
        return usage;
    }

    private void Visit(TreeWalk walk, WalkFolder folder)
    {
        while (Directories.ReadSome(folder.From) is { Count: > 0 } entries)
            foreach (DirectoryEntry entry in entries)
            {
                if (Files.StatusAt(folder.From, entry.Name) is not FileStatus status || status.MountId != folder.Status.MountId) continue;
                if (!status.IsDirectory && status.Links > 1 && !_seen.TryAdd(status.Inode, true)) continue;
                Add(status);
                if (status.IsDirectory) walk.Enter(folder, entry.Name);
                else if (status is { IsRegular: true, Blocks: > 0 } && !_untold) AddShared(folder.From, entry.Name);
            }
    }

    private void Add(FileStatus status)
    {
        Interlocked.Add(ref _allocated, (long)status.Blocks * 512);
        if (!status.IsDirectory) Interlocked.Add(ref _apparent, status.Size);
    }

    private void AddShared(Descriptor folder, byte[] name)
    {
        try
        {
            using Descriptor file = Entries.OpenToRead(folder, name);
            if (FileExtents.SharedBytes(file) is long shared) Interlocked.Add(ref _shared, shared);
            else _untold = true;
        }
        catch (LinuxException e) when (e.Number is Errno.ENOENT or Errno.ELOOP or Errno.ENXIO)
        {
            // It went, or became something else, since its name was read.
        }
    }
}
