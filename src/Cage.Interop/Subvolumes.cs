using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>A subvolume that lies in another.</summary>
/// <param name="Id">Its number in the file system.</param>
/// <param name="Path">Where it lies, from the root of the outer one.</param>
public sealed record NestedSubvolume(ulong Id, string Path);

/// <summary>btrfs's subvolumes and snapshots, by ioctl (Documentation: btrfs-ioctl(3)).</summary>
public static unsafe partial class Subvolumes
{
    /// <summary>The file system's magic number (statfs(2)).</summary>
    public const long BTRFS_SUPER_MAGIC = 0x9123683E;

    /// <summary>The inode number that the root directory of every subvolume has.</summary>
    public const ulong RootInode = 256;

    private const nuint BTRFS_IOC_SUBVOL_CREATE = 0x5000940e, BTRFS_IOC_SNAP_DESTROY = 0x5000940f, BTRFS_IOC_SNAP_CREATE_V2 = 0x50009417,
        BTRFS_IOC_SUBVOL_GETFLAGS = 0x80089419, BTRFS_IOC_SUBVOL_SETFLAGS = 0x4008941a, BTRFS_IOC_GET_SUBVOL_ROOTREF = 0xd000943d, BTRFS_IOC_INO_LOOKUP_USER = 0xd000943e, BTRFS_IOC_FS_INFO = 0x8400941f;

    private const ulong BTRFS_SUBVOL_RDONLY = 2;

    // Every one of the argument structures is a page.
    private const int FileSystemInfoSize = 1024;

    private const int ArgumentSize = 4096, NameOffset = 8, FlagsOffset = 16, NameOffset2 = 56, RootReferenceSize = 16, CountOffset = 4088, PathOffset = 272;

    /// <summary>Whether an open directory is the root of a subvolume.</summary>
    public static bool Is(Descriptor directory) => Files.Status(directory).Inode == RootInode && Files.FileSystemType(directory.ProcPath) == BTRFS_SUPER_MAGIC;

    /// <summary>Makes an empty subvolume (BTRFS_IOC_SUBVOL_CREATE).</summary>
    /// <exception cref="LinuxException">EEXIST; ENOTTY where the directory is not on btrfs.</exception>
    public static void Create(Descriptor directory, string name)
    {
        byte* arguments = stackalloc byte[ArgumentSize];
        Put(arguments, NameOffset, name);
        Check.Result(ioctl(directory.Number, BTRFS_IOC_SUBVOL_CREATE, arguments), "btrfs subvolume create", name);
    }

    /// <summary>Makes a snapshot of a subvolume (BTRFS_IOC_SNAP_CREATE_V2).</summary>
    /// <param name="source">The subvolume's root directory.</param>
    /// <param name="directory">Where the snapshot is made, on the same file system.</param>
    /// <param name="name">Its name.</param>
    /// <param name="readOnly">Whether it is read-only from the beginning.</param>
    /// <exception cref="LinuxException">EEXIST; EXDEV: another file system; EINVAL: no subvolume; ETXTBSY: a swap file is active in it.</exception>
    public static void Snapshot(Descriptor source, Descriptor directory, string name, bool readOnly)
    {
        byte* arguments = stackalloc byte[ArgumentSize];
        *(long*)arguments = source.Number;
        *(ulong*)(arguments + FlagsOffset) = readOnly ? BTRFS_SUBVOL_RDONLY : 0;
        Put(arguments, NameOffset2, name);
        Check.Result(ioctl(directory.Number, BTRFS_IOC_SNAP_CREATE_V2, arguments), "btrfs subvolume snapshot", name);
    }

    /// <summary>Removes a subvolume with all its files, but not those nested in it (BTRFS_IOC_SNAP_DESTROY).</summary>
    /// <exception cref="LinuxException">ENOTEMPTY: others are nested in it. EBUSY: it is mounted on. EPERM: it is the default one.</exception>
    public static void Delete(Descriptor directory, string name)
    {
        byte* arguments = stackalloc byte[ArgumentSize];
        Put(arguments, NameOffset, name);
        Check.Result(ioctl(directory.Number, BTRFS_IOC_SNAP_DESTROY, arguments), "btrfs subvolume delete", name);
    }

    /// <summary>The file system's UUID (BTRFS_IOC_FS_INFO).</summary>
    public static byte[] FileSystemId(Descriptor directory)
    {
        byte* arguments = stackalloc byte[FileSystemInfoSize];
        new Span<byte>(arguments, FileSystemInfoSize).Clear();
        Check.Result(ioctl(directory.Number, BTRFS_IOC_FS_INFO, arguments), "btrfs info");
        return new ReadOnlySpan<byte>(arguments + 16, 16).ToArray();
    }

    /// <summary>Whether the subvolume is read-only (BTRFS_IOC_SUBVOL_GETFLAGS).</summary>
    public static bool IsReadOnly(Descriptor subvolume)
    {
        ulong flags;
        Check.Result(ioctl(subvolume.Number, BTRFS_IOC_SUBVOL_GETFLAGS, (byte*)&flags), "btrfs subvolume flags");
        return (flags & BTRFS_SUBVOL_RDONLY) != 0;
    }

    /// <summary>Makes the subvolume read-only, or writable again (BTRFS_IOC_SUBVOL_SETFLAGS).</summary>
    public static void SetReadOnly(Descriptor subvolume, bool readOnly)
    {
        ulong flags;
        Check.Result(ioctl(subvolume.Number, BTRFS_IOC_SUBVOL_GETFLAGS, (byte*)&flags), "btrfs subvolume flags");
        flags = readOnly ? flags | BTRFS_SUBVOL_RDONLY : flags & ~BTRFS_SUBVOL_RDONLY;
        Check.Result(ioctl(subvolume.Number, BTRFS_IOC_SUBVOL_SETFLAGS, (byte*)&flags), "btrfs subvolume flags");
    }

    /// <summary>The subvolumes that lie directly in this one (BTRFS_IOC_GET_SUBVOL_ROOTREF, BTRFS_IOC_INO_LOOKUP_USER; Linux 4.18).</summary>
    /// <param name="subvolume">Its root directory.</param>
    public static IReadOnlyList<NestedSubvolume> Nested(Descriptor subvolume)
    {
        List<NestedSubvolume> found = [];
        byte* arguments = stackalloc byte[ArgumentSize];
        new Span<byte>(arguments, ArgumentSize).Clear();
        while (true)
        {
            int result = ioctl(subvolume.Number, BTRFS_IOC_GET_SUBVOL_ROOTREF, arguments);
            // EOVERFLOW: there are more than fit, and where to go on is noted.
            bool more = result < 0 && Marshal.GetLastPInvokeError() == Errno.EOVERFLOW;
            if (!more) Check.Result(result, "btrfs subvolume list");
            for (int i = 0; i < arguments[CountOffset]; i++)
            {
                ulong* reference = (ulong*)(arguments + 8 + i * RootReferenceSize);
                if (PathOf(subvolume, reference[0], reference[1]) is string path) found.Add(new NestedSubvolume(reference[0], path));
            }
            if (!more) return found;
        }
    }

    /// <summary>All subvolumes that lie in this one or in those, outer ones first; <see cref="NestedSubvolume.Path"/> is from the root of this one.</summary>
    /// <param name="subvolume">Its root directory.</param>
    /// <param name="enter">Whether what lies in one is looked for; null for all.</param>
    /// <exception cref="LinuxException">ENAMETOOLONG: one lies deeper than a path can say.</exception>
    public static IReadOnlyList<NestedSubvolume> AllNested(Descriptor subvolume, Func<NestedSubvolume, bool>? enter = null)
    {
        List<NestedSubvolume> found = [.. Nested(subvolume)];
        for (int i = 0; i < found.Count; i++)
        {
            if (enter?.Invoke(found[i]) == false) continue;
            using Descriptor? inner = Files.TryOpenInRoot(subvolume, found[i].Path, Files.O_RDONLY | Files.O_DIRECTORY);
            // What is mounted over it hides it, and what lies in it with it.
            if (inner is not null && Is(inner)) found.AddRange(Nested(inner).Select(nested => nested with { Path = $"{found[i].Path}/{nested.Path}" }));
        }
        return found;
    }

    private static string? PathOf(Descriptor subvolume, ulong id, ulong folder)
    {
        byte* arguments = stackalloc byte[ArgumentSize];
        new Span<byte>(arguments, ArgumentSize).Clear();
        ((ulong*)arguments)[0] = folder;
        ((ulong*)arguments)[1] = id;
        int result = ioctl(subvolume.Number, BTRFS_IOC_INO_LOOKUP_USER, arguments);
        // ENOENT: it was removed meanwhile.
        if (result < 0 && Marshal.GetLastPInvokeError() == Errno.ENOENT) return null;
        Check.Result(result, "btrfs subvolume lookup");
        return Text(arguments + PathOffset) + Text(arguments + 16);
    }

    private static string Text(byte* text) => PathText.Decode(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text));

    private static void Put(byte* arguments, int offset, string name)
    {
        byte[] bytes = PathText.Encode(name);
        if (bytes.Length is 0 or > 255) throw new LinuxException(Errno.ENAMETOOLONG, "btrfs subvolume", name);
        bytes.CopyTo(new Span<byte>(arguments + offset, bytes.Length));
        arguments[offset + bytes.Length] = 0;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(int file, nuint request, byte* arguments);
}
