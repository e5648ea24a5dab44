using System.Runtime.InteropServices;

namespace Cage.Interop;

public static unsafe partial class Files
{
    /// <summary>What is known of an open file (statx(2)).</summary>
    public static FileStatus Status(Descriptor file) => TryStatus(file.Number, "", AT_EMPTY_PATH) ?? throw new LinuxException(Errno.ENOENT, "statx");

    /// <summary>What is known of <paramref name="path"/>, a symbolic link itself where it is one; null when it is not there (statx(2)).</summary>
    public static FileStatus? Status(string path) => TryStatus(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);

    /// <summary>What is known of what <paramref name="path"/> leads to; null when that is not there (statx(2)).</summary>
    public static FileStatus? StatusFollowed(string path) => TryStatus(AT_FDCWD, path, 0);

    /// <summary>What is known of <paramref name="name"/> in a directory, not followed; null when it is not there (statx(2)).</summary>
    public static FileStatus? StatusAt(Descriptor directory, string name) => TryStatus(directory.Number, name, AT_SYMLINK_NOFOLLOW);

    /// <summary>As <see cref="StatusAt(Descriptor, string)"/>, of a name that may be no text.</summary>
    /// <param name="directory">Where.</param>
    /// <param name="name">The name with a NUL at the end.</param>
    public static FileStatus? StatusAt(Descriptor directory, byte[] name)
    {
        fixed (byte* text = name) return TryStatus(directory.Number, text, AT_SYMLINK_NOFOLLOW, PathText.Decode(name));
    }

    /// <summary>The magic number of the file system that <paramref name="path"/> lies on, such as <see cref="OVERLAYFS_SUPER_MAGIC"/> (statfs(2)).</summary>
    public static long FileSystemType(string path)
    {
        long* buffer = stackalloc long[16];
        Check.Result(statfs(path, buffer), "statfs", path);
        return buffer[0];
    }

    /// <summary>As <see cref="FileSystemType(string)"/>, of an open file (fstatfs(2)).</summary>
    public static long FileSystemType(Descriptor file)
    {
        long* buffer = stackalloc long[16];
        Check.Result(fstatfs(file.Number, buffer), "fstatfs");
        return buffer[0];
    }

    /// <summary>Whether nothing can be written by way of an open directory's mount, or to its file system at all (statfs(2), ST_RDONLY).</summary>
    public static bool IsReadOnly(Descriptor directory)
    {
        long* buffer = stackalloc long[16];
        Check.Result(fstatfs(directory.Number, buffer), "fstatfs");
        return (buffer[10] & ST_RDONLY) != 0;
    }

    /// <summary>What is free on the file system of an open directory (statfs(2)).</summary>
    public static FileSystemSpace Space(Descriptor directory)
    {
        long* buffer = stackalloc long[16];
        Check.Result(fstatfs(directory.Number, buffer), "fstatfs");
        return new FileSystemSpace(buffer[4] * buffer[1], buffer[6], buffer[5] != 0);
    }

    private static FileStatus? TryStatus(int directory, string path, int flags)
    {
        fixed (byte* name = Terminated(path)) return TryStatus(directory, name, flags, path);
    }

    private static FileStatus? TryStatus(int directory, byte* name, int flags, string shown)
    {
        Statx status;
        if (statx(directory, name, flags, STATX_BASIC_STATS | STATX_MNT_ID, &status) == 0)
            return new FileStatus(status.Mode, status.Uid, status.Gid, status.Ino, ((ulong)status.DevMajor << 32) | status.DevMinor,
                status.Nlink, (long)status.Size, status.MtimeSeconds, status.MntId,
                (status.Attributes & STATX_ATTR_MOUNT_ROOT) != 0)
            {
                Blocks = status.Blocks,
                Node = DeviceNumber(status.RdevMajor, status.RdevMinor),
                Accessed = new Timestamp(status.AtimeSeconds, status.AtimeNanoseconds),
                Modified = new Timestamp(status.MtimeSeconds, status.MtimeNanoseconds),
            };
        int error = Marshal.GetLastPInvokeError();
        return error is Errno.ENOENT or Errno.ENOTDIR ? null : throw new LinuxException(error, "statx", shown);
    }

    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Statx
    {
        [FieldOffset(8)] public ulong Attributes;
        [FieldOffset(16)] public uint Nlink;
        [FieldOffset(20)] public uint Uid;
        [FieldOffset(24)] public uint Gid;
        [FieldOffset(28)] public ushort Mode;
        [FieldOffset(32)] public ulong Ino;
        [FieldOffset(40)] public ulong Size;
        [FieldOffset(48)] public ulong Blocks;
        [FieldOffset(64)] public long AtimeSeconds;
        [FieldOffset(72)] public uint AtimeNanoseconds;
        [FieldOffset(112)] public long MtimeSeconds;
        [FieldOffset(120)] public uint MtimeNanoseconds;
        [FieldOffset(128)] public uint RdevMajor;
        [FieldOffset(132)] public uint RdevMinor;
        [FieldOffset(136)] public uint DevMajor;
        [FieldOffset(140)] public uint DevMinor;
        [FieldOffset(144)] public ulong MntId;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int statx(int directory, byte* path, int flags, uint mask, Statx* status);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(PathMarshaller))]
    private static partial int statfs(string path, long* buffer);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fstatfs(int file, long* buffer);
}
