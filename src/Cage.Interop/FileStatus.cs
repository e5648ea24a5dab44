using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>What statx(2) tells of a file.</summary>
/// <param name="Mode">Type and permission bits (inode(7)).</param>
/// <param name="Uid">The owner.</param>
/// <param name="Gid">The group.</param>
/// <param name="Inode">The inode number, unique with <paramref name="Device"/>.</param>
/// <param name="Device">The file system's device, major in the upper 32 bits.</param>
/// <param name="Links">How many names it has.</param>
/// <param name="Size">Bytes.</param>
/// <param name="ModifiedSeconds">Last change of the content, seconds since 1970.</param>
/// <param name="MountId">The mount it was reached through, as in mountinfo.</param>
/// <param name="IsMountRoot">Whether it is the root of a mount (STATX_ATTR_MOUNT_ROOT, Linux 5.8).</param>
public readonly record struct FileStatus(
    uint Mode, uint Uid, uint Gid, ulong Inode, ulong Device, uint Links, long Size, long ModifiedSeconds, ulong MountId,
    bool IsMountRoot)
{
    /// <summary>How much it takes on the disk, in units of 512 bytes.</summary>
    public ulong Blocks { get; init; }

    /// <summary>The device that a device node stands for, as mknod(2) takes it.</summary>
    public ulong Node { get; init; }

    /// <summary>When it was read last.</summary>
    public Timestamp Accessed { get; init; }

    /// <summary>When its content was changed last.</summary>
    public Timestamp Modified { get; init; }

    /// <summary>Whether it is a node of a block device.</summary>
    public bool IsBlockDevice => (Mode & Files.S_IFMT) == Files.S_IFBLK;

    /// <summary>Whether it is a node of a character device.</summary>
    public bool IsCharacterDevice => (Mode & Files.S_IFMT) == Files.S_IFCHR;

    /// <summary>Whether anybody may execute it, by its mode.</summary>
    public bool IsExecutable => (Mode & 0x49) != 0;

    /// <summary>Whether it is a directory.</summary>
    public bool IsDirectory => (Mode & Files.S_IFMT) == Files.S_IFDIR;

    /// <summary>Whether it is a symbolic link.</summary>
    public bool IsLink => (Mode & Files.S_IFMT) == Files.S_IFLNK;

    /// <summary>Whether it is a socket.</summary>
    public bool IsSocket => (Mode & Files.S_IFMT) == Files.S_IFSOCK;

    /// <summary>Whether it is a regular file.</summary>
    public bool IsRegular => (Mode & Files.S_IFMT) == Files.S_IFREG;

    /// <summary>Whether both are one and the same file.</summary>
    public bool IsSameFile(FileStatus other) => Inode == other.Inode && Device == other.Device;
}

/// <summary>A moment as the kernel keeps it (timespec(3)).</summary>
/// <param name="Seconds">Since 1970.</param>
/// <param name="Nanoseconds">0 to 999,999,999.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct Timestamp(long Seconds, long Nanoseconds);

/// <summary>What is free on a file system.</summary>
/// <param name="Bytes">For those who are not privileged.</param>
/// <param name="Inodes">How many more files there can be.</param>
/// <param name="CountsInodes">Whether it counts them at all; btrfs does not.</param>
public readonly record struct FileSystemSpace(long Bytes, long Inodes, bool CountsInodes);
