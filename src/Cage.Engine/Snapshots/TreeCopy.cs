using System.Collections.Concurrent;
using System.Diagnostics;
using Cage.Interop;

namespace Cage.Engine.Snapshots;

/// <summary>How far a copy is.</summary>
/// <param name="Files">Entries made so far.</param>
/// <param name="Bytes">Bytes of content so far.</param>
/// <param name="AllFiles">How many there are to be; 0 where that was not counted.</param>
/// <param name="AllBytes">How many bytes; 0 where that was not counted.</param>
/// <param name="Elapsed">Since the copy began.</param>
public sealed record CopyProgress(long Files, long Bytes, long AllFiles, long AllBytes, TimeSpan Elapsed)
{
    /// <summary>0 to 100; null where it is not known.</summary>
    public int? Percent => AllBytes + AllFiles == 0 ? null : (int)Math.Min(100, 100 * Done);

    /// <summary>Bytes in a second.</summary>
    public double Rate => Bytes / Math.Max(0.001, Elapsed.TotalSeconds);

    /// <summary>How long it still takes at this pace; null where it is not known.</summary>
    public TimeSpan? Left => Percent is null || Done <= 0 ? null : Elapsed * ((1 - Math.Min(1, Done)) / Done);

    // A file costs about as much as 32 KiB of content does.
    private double Done => (Bytes + Files * 32768.0) / (AllBytes + AllFiles * 32768.0);
}

/// <summary>What becomes of a directory that is found in a tree to be copied.</summary>
internal enum FolderChoice
{
    /// <summary>It is copied with all that is in it.</summary>
    Copy,

    /// <summary>It is made, but empty.</summary>
    Empty,

    /// <summary>It is left out.</summary>
    Skip,
}

/// <summary>Copies a tree with all that belongs to its files: owners, modes, times, attributes with access lists and file capabilities,
/// hard links among them, holes, fifos, sockets, devices.</summary>
internal sealed class TreeCopy
{
    private readonly ConcurrentDictionary<(ulong Device, ulong Inode), byte[]> _links = new();
    private readonly ConcurrentQueue<LaterLink> _later = new();
    private long _files, _bytes;

    /// <summary>Whether content is shared (FICLONE); otherwise it is copied. So is that of single files which cannot be shared, such as those without
    /// checksums on btrfs.</summary>
    public bool Reflink { get; set; }

    /// <summary>What becomes of a directory: its path from the top, and what is known of it.</summary>
    public Func<string, FileStatus, FolderChoice> Choose { get; init; } = (_, _) => FolderChoice.Copy;

    /// <summary>Whether something else than a directory is left out, by its path from the top.</summary>
    public Func<string, bool>? Leave { get; init; }

    /// <summary>How much there is to be copied; 0 where that was not counted.</summary>
    public (long Files, long Bytes) All { get; set; }

    /// <summary>How much has been copied.</summary>
    public (long Files, long Bytes) Done => (_files, _bytes);

    /// <summary>Copies what is in <paramref name="from"/> into the empty directory <paramref name="to"/>, and its attributes.</summary>
    /// <param name="from">The one; closed at the end.</param>
    /// <param name="to">The other; closed at the end.</param>
    /// <param name="progress">Is told now and then, on the calling thread.</param>
    /// <param name="cancellation">Ends the copy early.</param>
    /// <exception cref="LinuxException">What could not be copied, by its path.</exception>
    public void Run(Descriptor from, Descriptor to, Action<CopyProgress>? progress, CancellationToken cancellation)
    {
        using Descriptor source = Channels.Duplicate(from.Number), top = Channels.Duplicate(to.Number);
        long start = Stopwatch.GetTimestamp();
        new TreeWalk((walk, folder) => Visit(walk, folder, cancellation)).Run(
            from, to, () => progress?.Invoke(new CopyProgress(_files, _bytes, All.Files, All.Bytes, Stopwatch.GetElapsedTime(start))), cancellation);
        foreach (LaterLink link in _later) MakeLink(source, top, link, cancellation);
    }

    /// <summary>How many entries a tree has, how many bytes of content, and how many bytes that is in whole blocks.</summary>
    /// <param name="from">The tree; closed at the end.</param>
    /// <param name="block">How large a block is.</param>
    /// <param name="cancellation">Ends it early.</param>
    public (long Files, long Bytes, long Space) Measure(Descriptor from, long block, CancellationToken cancellation)
    {
        long files = 0, bytes = 0, space = 0;
        TreeWalk walk = new((walk, folder) =>
        {
            while (Directories.ReadSome(folder.From) is { Count: > 0 } entries)
                foreach ((byte[] name, EntryType type) in entries)
                {
                    if (Files.StatusAt(folder.From, name) is not FileStatus status) continue;
                    if (status.IsDirectory)
                    {
                        FolderChoice choice = Choose(folder.PathOf(name), status);
                        if (choice == FolderChoice.Skip) continue;
                        if (choice == FolderChoice.Copy) walk.Enter(folder, name);
                    }
                    else if (Leave?.Invoke(folder.PathOf(name)) == true)
                    {
                        continue;
                    }
                    Interlocked.Increment(ref files);
                    if (!status.IsRegular) continue;
                    // Of a file with several names, each is counted for its part.
                    long content = Content(status), links = Math.Max(1, status.Links);
                    Interlocked.Add(ref bytes, content / links);
                    Interlocked.Add(ref space, (content + block - 1) / block * block / links);
                }
        });
        walk.Run(from, null, null, cancellation);
        return (files, bytes, space);
    }

    private void Visit(TreeWalk walk, WalkFolder folder, CancellationToken cancellation)
    {
        try
        {
            CopyFolder(walk, folder, folder.To!, cancellation);
        }
        catch (LinuxException e) when (e.Target is not ['/', ..])
        {
            throw new LinuxException(e.Number, e.Operation, "/" + PathText.Decode(folder.Path), e.Detail);
        }
    }

    private void CopyFolder(TreeWalk walk, WalkFolder folder, Descriptor to, CancellationToken cancellation)
    {
        while (Directories.ReadSome(folder.From) is { Count: > 0 } entries)
            foreach (DirectoryEntry entry in entries)
            {
                cancellation.ThrowIfCancellationRequested();
                try
                {
                    CopyEntry(walk, folder, to, entry, cancellation);
                }
                catch (LinuxException e)
                {
                    throw new LinuxException(e.Number, e.Operation, "/" + folder.PathOf(entry.Name), e.Detail);
                }
                Interlocked.Increment(ref _files);
            }
        Dress(folder.From, to, folder.Status);
    }

    /// <summary>A host goes on while it is copied: what is gone since the directory was read is left out, and what has become something else is looked at again.</summary>
    private void CopyEntry(TreeWalk? walk, WalkFolder folder, Descriptor to, DirectoryEntry entry, CancellationToken cancellation)
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                if (entry.Type == EntryType.Regular && TryCopyFile(folder, to, entry.Name, cancellation)) return;
                CopyOther(walk, folder, to, entry.Name, cancellation);
                return;
            }
            catch (LinuxException) when (Files.StatusAt(folder.From, entry.Name) is null)
            {
                Forget(folder, to, entry.Name);
                return;
            }
            catch (LinuxException e) when (e.Number is Errno.EINVAL or Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP && attempt < Attempts)
            {
                // It was there, then was something else, and is there again.
                Forget(folder, to, entry.Name);
            }
        }
    }

    /// <summary>Takes away what was made of a name, and that other names of the same file would be links to it.</summary>
    private void Forget(WalkFolder folder, Descriptor to, byte[] name)
    {
        Directories.TryRemove(to, name, isDirectory: false);
        byte[] path = [.. folder.Path, .. name];
        foreach (var known in _links)
            if (known.Value.AsSpan().SequenceEqual(path)) _links.TryRemove(known);
    }

    /// <summary>False where it is no regular file any more.</summary>
    private bool TryCopyFile(WalkFolder folder, Descriptor target, byte[] name, CancellationToken cancellation)
    {
        if (Leave?.Invoke(folder.PathOf(name)) == true) return true;
        Descriptor opened;
        try
        {
            opened = Entries.OpenToRead(folder.From, name);
        }
        catch (LinuxException e) when (e.Number is Errno.ELOOP or Errno.ENXIO)
        {
            return false;
        }
        using Descriptor from = opened;
        FileStatus status = Files.Status(from);
        if (!status.IsRegular) return false;
        if (status.Links > 1 && IsLaterLink(folder, name, status)) return true;
        using Descriptor to = Entries.Create(target, name);
        if (Reflink && status.Size > 0 && FileData.TryClone(from, to)) Interlocked.Add(ref _bytes, Content(status));
        else FileData.Copy(from, to, status, part => Interlocked.Add(ref _bytes, part), cancellation);
        Dress(from, to, status);
        return true;
    }

    /// <summary>How much of a file is no hole.</summary>
    private static long Content(FileStatus status) => (long)Math.Min((ulong)status.Size, status.Blocks * 512);

    private void CopyOther(TreeWalk? walk, WalkFolder folder, Descriptor to, byte[] name, CancellationToken cancellation)
    {
        if (Files.StatusAt(folder.From, name) is not FileStatus status) return;
        if (status.IsDirectory)
        {
            // None is entered any more once the tree has been walked through.
            FolderChoice choice = walk is null ? FolderChoice.Skip : Choose(folder.PathOf(name), status);
            if (choice == FolderChoice.Skip) return;
            Entries.MakeDirectory(to, name);
            if (choice == FolderChoice.Copy) walk!.Enter(folder, name);
            else DressEmpty(folder.From, to, name);
            return;
        }
        if (status.IsRegular)
        {
            TryCopyFile(folder, to, name, cancellation);
            return;
        }
        if (Leave?.Invoke(folder.PathOf(name)) == true || (status.Links > 1 && IsLaterLink(folder, name, status))) return;
        if (status.IsLink) Entries.CopyLink(folder.From, to, name);
        else Entries.MakeNode(to, name, status);
        if (status.Uid != 0 || status.Gid != 0 || (folder.Status.Mode & SetGroup) != 0) Entries.ChangeOwner(to, name, status.Uid, status.Gid);
        Attributes.Copy(folder.From, to, name);
        if (!status.IsLink) Entries.ChangeMode(to, name, status.Mode);
        Entries.ChangeTimes(to, name, status.Accessed, status.Modified);
    }

    private const uint SetGroup = 0x400;

    private const int Attempts = 8;

    /// <summary>Whether the file has been met before under another name, to which this one is to be a link in the end.</summary>
    private bool IsLaterLink(WalkFolder folder, byte[] name, FileStatus status)
    {
        byte[] path = [.. folder.Path, .. name];
        byte[] first = _links.GetOrAdd((status.Device, status.Inode), path);
        if (first.AsSpan().SequenceEqual(path)) return false;
        _later.Enqueue(new LaterLink((status.Device, status.Inode), folder.Path, name, folder.Status));
        return true;
    }

    /// <summary>Owner before attributes, since a change of owner takes file capabilities away; the mode after both; the times last.</summary>
    public static void Dress(Descriptor from, Descriptor to, FileStatus status)
    {
        Files.ChangeOwner(to, status.Uid, status.Gid);
        Attributes.Copy(from, to);
        Files.ChangeMode(to, status.Mode & 0xfff);
        Entries.ChangeTimes(to, status.Accessed, status.Modified);
    }

    private static void DressEmpty(Descriptor fromParent, Descriptor toParent, byte[] name)
    {
        using Descriptor from = Directories.Open(fromParent, name), to = Directories.Open(toParent, name);
        Dress(from, to, Files.Status(from));
    }

    private void MakeLink(Descriptor source, Descriptor top, LaterLink link, CancellationToken cancellation)
    {
        try
        {
            using Descriptor target = Descend(top, link.Folder);
            if (!_links.TryGetValue(link.File, out byte[]? first) || !TryLink(top, first, target, link.Name))
            {
                // The first name was gone before it was copied: this one is the first then.
                _links.TryRemove(link.File, out _);
                using WalkFolder folder = new(null, [], Descend(source, link.Folder), Descend(top, link.Folder)) { Path = link.Folder };
                CopyEntry(null, folder, target, new DirectoryEntry(link.Name, EntryType.Unknown), cancellation);
            }
            Entries.ChangeTimes(target, link.FolderStatus.Accessed, link.FolderStatus.Modified);
        }
        catch (LinuxException e) when (e.Number is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP)
        {
            // Its folder is gone meanwhile.
        }
    }

    /// <summary>False where the first is not there.</summary>
    private static bool TryLink(Descriptor top, byte[] path, Descriptor target, byte[] name)
    {
        int slash = path.AsSpan().LastIndexOf((byte)'/') + 1;
        try
        {
            using Descriptor first = Descend(top, path.AsSpan(0, slash));
            Entries.Link(first, path[slash..], target, name);
            return true;
        }
        catch (LinuxException e) when (e.Number is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP)
        {
            return false;
        }
    }

    /// <summary>Step by step, since the whole path may be longer than a system call takes.</summary>
    private static Descriptor Descend(Descriptor top, ReadOnlySpan<byte> path)
    {
        Descriptor current = Channels.Duplicate(top.Number);
        while (!path.IsEmpty)
        {
            int slash = path.IndexOf((byte)'/');
            using Descriptor above = current;
            current = Directories.Open(above, [.. path[..slash], 0]);
            path = path[(slash + 1)..];
        }
        return current;
    }

    private sealed record LaterLink((ulong Device, ulong Inode) File, byte[] Folder, byte[] Name, FileStatus FolderStatus);
}
