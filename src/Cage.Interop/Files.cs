using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>Files and directories by descriptor, so that no path is looked up twice (openat(2) and its kin).</summary>
public static unsafe partial class Files
{
#pragma warning disable CS1591 // open(2), openat2(2), flock(2), stat(2) document each.
    public const int O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_CREAT = 0x40, O_EXCL = 0x80, O_NOCTTY = 0x100, O_TRUNC = 0x200, O_APPEND = 0x400,
        O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000, O_PATH = 0x200000, O_TMPFILE = 0x400000;

    public const ulong RESOLVE_NO_XDEV = 1, RESOLVE_NO_MAGICLINKS = 2, RESOLVE_NO_SYMLINKS = 4, RESOLVE_BENEATH = 8, RESOLVE_IN_ROOT = 16;

    public const uint S_IFMT = 0xF000, S_IFDIR = 0x4000, S_IFCHR = 0x2000, S_IFBLK = 0x6000, S_IFREG = 0x8000, S_IFLNK = 0xA000, S_IFSOCK = 0xC000;

    public const long OVERLAYFS_SUPER_MAGIC = 0x794c7630, PIPEFS_MAGIC = 0x50495045, CGROUP2_SUPER_MAGIC = 0x63677270, CGROUP_SUPER_MAGIC = 0x27e0eb;

    private const int AT_FDCWD = -100, AT_SYMLINK_NOFOLLOW = 0x100, AT_REMOVEDIR = 0x200, AT_EMPTY_PATH = 0x1000;
    private const int SYS_openat2 = 437;
    private const int LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4;
    private const uint STATX_BASIC_STATS = 0x7ff, STATX_MNT_ID = 0x1000;
    private const ulong STATX_ATTR_MOUNT_ROOT = 0x2000;
    private const long ST_RDONLY = 1;
#pragma warning restore CS1591

    /// <summary>O_DIRECTORY, which is one of the few flags whose number differs between architectures.</summary>
    public static int O_DIRECTORY { get; } = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x4000 : 0x10000;

    /// <summary>O_NOFOLLOW, likewise.</summary>
    public static int O_NOFOLLOW { get; } = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x8000 : 0x20000;

    /// <summary>Opens <paramref name="path"/>, close-on-exec (open(2)).</summary>
    /// <exception cref="LinuxException">ENOENT, EACCES, ELOOP, ENOTDIR and the others of open(2).</exception>
    public static Descriptor Open(string path, int flags, uint mode = 0) =>
        Check.Descriptor(Retry(() => openat(AT_FDCWD, path, flags | O_CLOEXEC, mode)), "open", path);

    /// <summary>Opens <paramref name="path"/> as seen from the directory <paramref name="directory"/> (openat(2)).</summary>
    public static Descriptor OpenAt(Descriptor directory, string path, int flags, uint mode = 0) =>
        Check.Descriptor(Retry(() => openat(directory.Number, path, flags | O_CLOEXEC, mode)), "open", path);

    /// <summary>Makes a file without a name in a directory, to be gone when it is closed (open(2), O_TMPFILE).</summary>
    /// <exception cref="LinuxException">EOPNOTSUPP: the file system has none.</exception>
    public static Descriptor OpenUnnamed(Descriptor directory) => OpenAt(directory, ".", O_TMPFILE | O_DIRECTORY | O_RDWR, 0x180);

    /// <summary>Opens <paramref name="path"/>, or returns null when it or a directory on the way is not there.</summary>
    public static Descriptor? TryOpen(string path, int flags) => TryOpenAt(null, path, flags);

    /// <summary>As <see cref="TryOpen"/>, seen from <paramref name="directory"/>.</summary>
    public static Descriptor? TryOpenAt(Descriptor? directory, string path, int flags)
    {
        int number = openat(directory?.Number ?? AT_FDCWD, path, flags | O_CLOEXEC, 0);
        if (number >= 0) return new Descriptor(number);
        int error = Marshal.GetLastPInvokeError();
        return error is Errno.ENOENT or Errno.ENOTDIR ? null : throw new LinuxException(error, "open", path);
    }

    /// <summary>Opens <paramref name="path"/> with <paramref name="root"/> as its root: symbolic links and <c>..</c> cannot lead out (openat2(2),
    /// RESOLVE_IN_ROOT), nor can the links of /proc (RESOLVE_NO_MAGICLINKS). Null when it is not there.</summary>
    /// <exception cref="LinuxException">ELOOP for a magic link, EXDEV, EACCES and the others of openat2(2).</exception>
    public static Descriptor? TryOpenInRoot(Descriptor root, string path, int flags, uint mode = 0)
    {
        OpenHow how = new() { Flags = (uint)(flags | O_CLOEXEC), Mode = mode, Resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
        byte[] bytes = Terminated(path);
        fixed (byte* name = bytes)
        {
            while (true)
            {
                long number = syscall(SYS_openat2, root.Number, name, &how, sizeof(OpenHow));
                if (number >= 0) return new Descriptor((int)number);
                int error = Marshal.GetLastPInvokeError();
                // EAGAIN: a rename elsewhere raced with a ".." in this lookup.
                if (error is Errno.EAGAIN or Errno.EINTR) continue;
                return error is Errno.ENOENT or Errno.ENOTDIR ? null : throw new LinuxException(error, "openat2", path);
            }
        }
    }

    /// <summary>Opens an absolute path in which no part may be a symbolic link (openat2(2), RESOLVE_NO_SYMLINKS).</summary>
    /// <exception cref="LinuxException">ELOOP: one is; ENOENT and the others of openat2(2).</exception>
    public static Descriptor OpenWithoutLinks(string path, int flags)
    {
        OpenHow how = new() { Flags = (uint)(flags | O_CLOEXEC), Resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };
        fixed (byte* name = Terminated(path))
        {
            long number;
            do number = syscall(SYS_openat2, AT_FDCWD, name, &how, sizeof(OpenHow));
            while (Check.Interrupted(number));
            return Check.Descriptor(number, "openat2", path);
        }
    }

    /// <summary>As <see cref="TryOpenInRoot"/>, with ENOENT as an error.</summary>
    public static Descriptor OpenInRoot(Descriptor root, string path, int flags, uint mode = 0) =>
        TryOpenInRoot(root, path, flags, mode) ?? throw new LinuxException(Errno.ENOENT, "openat2", path);

    /// <summary>Makes a directory with exactly <paramref name="mode"/> (mkdir(2), chmod(2)).</summary>
    /// <exception cref="LinuxException">EEXIST, ENOSPC, EROFS and the others of mkdir(2).</exception>
    public static void MakeDirectory(string path, uint mode) => MakeDirectoryAt(AT_FDCWD, path, mode);

    /// <summary>Makes a directory below an open one, with exactly <paramref name="mode"/>.</summary>
    public static void MakeDirectoryAt(Descriptor directory, string path, uint mode) => MakeDirectoryAt(directory.Number, path, mode);

    private static void MakeDirectoryAt(int directory, string path, uint mode)
    {
        Check.Result(mkdirat(directory, path, mode), "mkdir", path);
        Check.Result(fchmodat(directory, path, mode, 0), "chmod", path);
    }

    /// <summary>Makes a device node with exactly <paramref name="mode"/> below an open directory (mknod(2)).</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="name">A name in it.</param>
    /// <param name="mode">S_IFCHR or S_IFBLK, and the permission bits.</param>
    /// <param name="major">The driver.</param>
    /// <param name="minor">Which of the driver's.</param>
    public static void MakeDeviceAt(Descriptor directory, string name, uint mode, uint major, uint minor)
    {
        Check.Result(mknodat(directory.Number, name, mode, DeviceNumber(major, minor)), "mknod", name);
        Check.Result(fchmodat(directory.Number, name, mode & 0xfff, 0), "chmod", name);
    }

    /// <summary>Changes owner and group of a file below an open directory, not following a link (chown(2)).</summary>
    public static void ChangeOwnerAt(Descriptor directory, string name, uint uid, uint gid) =>
        Check.Result(fchownat(directory.Number, name, uid, gid, AT_SYMLINK_NOFOLLOW), "chown", name);

    /// <summary>Makes a symbolic link below an open directory (symlink(2)).</summary>
    public static void MakeLinkAt(Descriptor directory, string name, string target) =>
        Check.Result(symlinkat(target, directory.Number, name), "symlink", name);

    /// <summary>Removes a file (unlink(2)); one that is not there is fine.</summary>
    public static void Unlink(string path) => UnlinkAt(AT_FDCWD, path, 0);

    /// <summary>Removes an empty directory (rmdir(2)); one that is not there is fine.</summary>
    public static void RemoveDirectory(string path) => UnlinkAt(AT_FDCWD, path, AT_REMOVEDIR);

    /// <summary>Removes a directory (rmdir(2)) unless something is in it or uses it; one that is not there is fine.</summary>
    /// <returns>Whether it is gone.</returns>
    public static bool TryRemoveDirectory(string path)
    {
        if (unlinkat(AT_FDCWD, path, AT_REMOVEDIR) == 0) return true;
        return Marshal.GetLastPInvokeError() switch
        {
            Errno.ENOENT => true,
            Errno.EBUSY or Errno.ENOTEMPTY or Errno.EEXIST => false,
            int error => throw new LinuxException(error, "rmdir", path),
        };
    }

    /// <summary>Removes a file below an open directory (unlink(2)); one that is not there is fine.</summary>
    public static void UnlinkAt(Descriptor directory, string name) => UnlinkAt(directory.Number, name, 0);

    /// <summary>Removes an empty directory below an open one (rmdir(2)); one that is not there is fine.</summary>
    public static void RemoveDirectoryAt(Descriptor directory, string name) => UnlinkAt(directory.Number, name, AT_REMOVEDIR);

    private static void UnlinkAt(int directory, string path, int flags)
    {
        int result = unlinkat(directory, path, flags);
        if (result < 0 && Marshal.GetLastPInvokeError() is int error and not Errno.ENOENT)
            throw new LinuxException(error, flags == 0 ? "unlink" : "rmdir", path);
    }

    /// <summary>Renames, replacing what is there, in one step (rename(2)).</summary>
    public static void Rename(string from, string to) => Check.Result(rename(from, to), "rename", from);

    /// <summary>Changes permission bits (chmod(2)).</summary>
    public static void ChangeMode(Descriptor file, uint mode) => Check.Result(fchmod(file.Number, mode), "fchmod");

    /// <summary>Changes owner and group (chown(2)).</summary>
    public static void ChangeOwner(Descriptor file, uint uid, uint gid) => Check.Result(fchown(file.Number, uid, gid), "fchown");

    /// <summary>Waits until the file is on the disk (fsync(2)).</summary>
    public static void Synchronise(Descriptor file) => Check.Result(fsync(file.Number), "fsync");

    /// <summary>Takes the lock of an open file; false when another has it and <paramref name="wait"/> is false (flock(2)).
    /// It is freed when this descriptor is closed, whoever else has another of the same open file.</summary>
    /// <param name="file">The file or directory.</param>
    /// <param name="wait">Whether to wait for it.</param>
    /// <param name="shared">Whether others may share it; alone otherwise.</param>
    public static bool Lock(Descriptor file, bool wait, bool shared = false)
    {
        int operation = (shared ? LOCK_SH : LOCK_EX) | (wait ? 0 : LOCK_NB);
        while (true)
        {
            if (flock(file.Number, operation) == 0) return file.IsLocked = true;
            int error = Marshal.GetLastPInvokeError();
            if (error == Errno.EAGAIN) return false;
            if (error != Errno.EINTR) throw new LinuxException(error, "flock");
        }
    }

    /// <summary>What a symbolic link says; null when there is none (readlink(2)).</summary>
    public static string? ReadLink(string path) => ReadLink(AT_FDCWD, path);

    /// <summary>What a symbolic link below an open directory says; null when there is none (readlink(2)).</summary>
    public static string? ReadLinkAt(Descriptor directory, string name) => ReadLink(directory.Number, name);

    private static string? ReadLink(int directory, string path)
    {
        byte* buffer = stackalloc byte[4096];
        nint length = readlinkat(directory, path, buffer, 4096);
        if (length >= 0) return PathText.Decode(new ReadOnlySpan<byte>(buffer, (int)length));
        int error = Marshal.GetLastPInvokeError();
        return error is Errno.ENOENT or Errno.EINVAL or Errno.ENOTDIR ? null : throw new LinuxException(error, "readlink", path);
    }

    private static ulong DeviceNumber(uint major, uint minor) =>
        ((ulong)(major & 0xfffff000) << 32) | ((ulong)(major & 0xfff) << 8) | ((ulong)(minor & 0xffffff00) << 12) | (minor & 0xff);

    private static int Retry(Func<int> call)
    {
        int result;
        do result = call();
        while (Check.Interrupted(result));
        return result;
    }

    /// <summary>Makes <paramref name="number"/> another descriptor of the same open file, inherited by children (dup2(2)).</summary>
    public static void Replace(Descriptor file, int number) => Check.Result(dup2(file.Number, number), "dup2");

    internal static byte[] Terminated(string text) => [.. PathText.Encode(text), 0];

    [StructLayout(LayoutKind.Sequential)]
    private struct OpenHow
    {
        public ulong Flags, Mode, Resolve;
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(PathMarshaller))]
    private static partial int openat(int directory, string path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial long syscall(long number, nint directory, byte* path, OpenHow* how, nint size);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(PathMarshaller))]
    private static partial int mkdirat(int directory, string path, uint mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(PathMarshaller))]
    private static partial int mknodat(int directory, string path, uint mode, ulong device);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(PathMarshaller))]
    private static partial int symlinkat(string target, int directory, string path);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(PathMarshaller))]
    private static partial int unlinkat(int directory, string path, int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(PathMarshaller))]
    private static partial int rename(string from, string to);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(PathMarshaller))]
    private static partial int fchmodat(int directory, string path, uint mode, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fchmod(int file, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fchown(int file, uint uid, uint gid);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int fchownat(int directory, string path, uint uid, uint gid, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(int file);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int dup2(int file, int number);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(int file, int operation);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(PathMarshaller))]
    private static partial nint readlinkat(int directory, string path, byte* buffer, nint size);
}
