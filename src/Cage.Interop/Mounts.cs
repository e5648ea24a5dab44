using System.Runtime.InteropServices;
using System.Text;

namespace Cage.Interop;

/// <summary>Mounting by descriptor: fsopen(2), fsconfig(2), fsmount(2), open_tree(2), move_mount(2), mount_setattr(2), and umount2(2).
/// The calls are made by number: glibc has wrappers from 2.36 on only, musl none.</summary>
public static unsafe partial class Mounts
{
#pragma warning disable CS1591 // The man pages document each.
    public const ulong MOUNT_ATTR_RDONLY = 1, MOUNT_ATTR_NOSUID = 2, MOUNT_ATTR_NODEV = 4, MOUNT_ATTR_NOEXEC = 8, MOUNT_ATTR_IDMAP = 0x100000, MOUNT_ATTR_RELATIME = 0;
    public const ulong MS_PRIVATE = 1 << 18, MS_SLAVE = 1 << 19, MS_SHARED = 1 << 20;
    public const int MNT_DETACH = 2, UMOUNT_NOFOLLOW = 8;

    private const int SYS_open_tree = 428, SYS_move_mount = 429, SYS_fsopen = 430, SYS_fsconfig = 431, SYS_fsmount = 432, SYS_mount_setattr = 442;
    private const int SYS_pivot_root_x64 = 155, SYS_pivot_root_arm64 = 41;
    private const int CLONE_FS = 0x200, CLONE_NEWNS = 0x20000;
    private const nuint MS_RDONLY = 1;
    private const int AT_FDCWD = -100, AT_EMPTY_PATH = 0x1000, AT_RECURSIVE = 0x8000;
    private const uint OPEN_TREE_CLONE = 1, OPEN_TREE_CLOEXEC = 0x80000, FSOPEN_CLOEXEC = 1, FSMOUNT_CLOEXEC = 1;
    private const uint MOVE_MOUNT_F_EMPTY_PATH = 4, MOVE_MOUNT_T_EMPTY_PATH = 0x40;
    private const uint FSCONFIG_SET_FLAG = 0, FSCONFIG_SET_STRING = 1, FSCONFIG_SET_FD = 5, FSCONFIG_CMD_CREATE = 6;
#pragma warning restore CS1591

    /// <summary>Begins the configuration of a file system of <paramref name="type"/> (fsopen(2)).</summary>
    /// <exception cref="LinuxException">ENODEV: the kernel does not know the type. EPERM: not root.</exception>
    public static Descriptor OpenFileSystem(string type)
    {
        fixed (byte* name = Files.Terminated(type))
            return Check.Descriptor(syscall(SYS_fsopen, (nint)name, (nint)FSOPEN_CLOEXEC), "fsopen", type);
    }

    /// <summary>Sets an option that takes a text of at most 255 bytes (fsconfig(2), FSCONFIG_SET_STRING).</summary>
    public static void SetOption(Descriptor configuration, string key, string value)
    {
        fixed (byte* name = Files.Terminated(key), text = Files.Terminated(value))
            Configured(syscall(SYS_fsconfig, configuration.Number, (nint)FSCONFIG_SET_STRING, (nint)name, (nint)text, 0), configuration, $"{key}={value}");
    }

    /// <summary>Sets an option that takes nothing (fsconfig(2), FSCONFIG_SET_FLAG).</summary>
    public static void SetFlag(Descriptor configuration, string key)
    {
        fixed (byte* name = Files.Terminated(key))
            Configured(syscall(SYS_fsconfig, configuration.Number, (nint)FSCONFIG_SET_FLAG, (nint)name, 0, 0), configuration, key);
    }

    /// <summary>Sets an option to an open directory (fsconfig(2), FSCONFIG_SET_FD); false where the kernel takes none for it (overlayfs: before 6.13).</summary>
    public static bool TrySetDescriptor(Descriptor configuration, string key, Descriptor value)
    {
        long result;
        fixed (byte* name = Files.Terminated(key))
            result = syscall(SYS_fsconfig, configuration.Number, (nint)FSCONFIG_SET_FD, (nint)name, 0, value.Number);
        if (result >= 0) return true;
        int error = Marshal.GetLastPInvokeError();
        // EBADF: before 6.13 none is taken that was opened with O_PATH, whatever the file system would say.
        if (error is Errno.EINVAL or Errno.EBADF) return false;
        throw new LinuxException(error, "fsconfig", key, Log(configuration));
    }

    /// <summary>Creates the configured file system and a mount of it that is attached nowhere yet (fsconfig(2) FSCONFIG_CMD_CREATE, fsmount(2)).</summary>
    /// <param name="configuration">What <see cref="OpenFileSystem"/> gave.</param>
    /// <param name="attributes">MOUNT_ATTR_* bits.</param>
    /// <exception cref="LinuxException">With the kernel's own message as detail where it gives one.</exception>
    public static Descriptor Create(Descriptor configuration, ulong attributes)
    {
        Configured(syscall(SYS_fsconfig, configuration.Number, (nint)FSCONFIG_CMD_CREATE, 0, 0, 0), configuration, "create");
        return Check.Descriptor(syscall(SYS_fsmount, configuration.Number, (nint)FSMOUNT_CLOEXEC, (nint)attributes), "fsmount");
    }

    /// <summary>Mounts by the old call, whose options are one text of less than a page (mount(2)), seen from the directory of this process's
    /// descriptors: a number is the shortest path there is. On a thread of its own, since that directory is the working directory meanwhile
    /// (unshare(2), CLONE_FS).</summary>
    /// <param name="type">The file system's type.</param>
    /// <param name="target">Where.</param>
    /// <param name="options">Its options; what they name as a path is seen from <c>/proc/thread-self/fd</c>.</param>
    /// <param name="readOnly">Whether the mount is read-only.</param>
    /// <exception cref="LinuxException">E2BIG: the options do not fit; and those of mount(2).</exception>
    public static void MountFromDescriptors(string type, string target, string options, bool readOnly)
    {
        if (options.Length >= Environment.SystemPageSize) throw new LinuxException(Errno.E2BIG, "mount", target);
        Apart(() =>
        {
            Check.Result(chdir("/proc/thread-self/fd"), "chdir", "/proc/thread-self/fd");
            Check.Result(mount(type, target, type, readOnly ? MS_RDONLY : 0, options), "mount", target);
        });
    }

    /// <summary>A copy of the mount that <paramref name="path"/> lies on, from there down, attached nowhere (open_tree(2), OPEN_TREE_CLONE).</summary>
    /// <param name="path">A file or directory.</param>
    /// <param name="recursive">Whether what is mounted below comes along.</param>
    public static Descriptor CloneTree(string path, bool recursive = false)
    {
        fixed (byte* name = Files.Terminated(path))
            return Check.Descriptor(
                syscall(SYS_open_tree, AT_FDCWD, (nint)name, (nint)(OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0u))),
                "open_tree", path);
    }

    /// <summary>As <see cref="CloneTree(string, bool)"/>, of what a descriptor has open.</summary>
    public static Descriptor CloneTree(Descriptor file, bool recursive = false)
    {
        byte empty = 0;
        return Check.Descriptor(
            syscall(SYS_open_tree, file.Number, (nint)(&empty), (nint)(OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0u))),
            "open_tree");
    }

    /// <summary>Attaches a mount on <paramref name="target"/>, both by descriptor, so that no path is followed (move_mount(2)).</summary>
    /// <exception cref="LinuxException">EINVAL, ELOOP, ENOENT (the target was removed) and the others of move_mount(2).</exception>
    public static void Attach(Descriptor mount, Descriptor target)
    {
        byte empty = 0;
        Check.Result(
            syscall(SYS_move_mount, mount.Number, (nint)(&empty), target.Number, (nint)(&empty), (nint)(MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)),
            "move_mount");
    }

    /// <summary>Changes attributes and propagation of an open mount (mount_setattr(2)).</summary>
    /// <param name="mount">A descriptor of the mount's root.</param>
    /// <param name="set">MOUNT_ATTR_* bits to set.</param>
    /// <param name="propagation">MS_PRIVATE, MS_SLAVE, MS_SHARED, or 0 to leave it.</param>
    /// <param name="recursive">Whether all mounts beneath change too.</param>
    public static void SetAttributes(Descriptor mount, ulong set, ulong propagation = 0, bool recursive = false)
    {
        MountAttributes attributes = new() { Set = set, Propagation = propagation };
        byte empty = 0;
        Check.Result(
            syscall(SYS_mount_setattr, mount.Number, (nint)(&empty), AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), (nint)(&attributes), sizeof(MountAttributes)),
            "mount_setattr");
    }

    /// <summary>Has the files of an open mount that is attached nowhere yet belong to other ids: what is owned by 0 on the disk, by whoever is 0 in the user
    /// namespace (mount_setattr(2), MOUNT_ATTR_IDMAP; Linux 5.12).</summary>
    /// <exception cref="LinuxException">EINVAL: the file system cannot (before 6.3, tmpfs cannot), or the mount is mapped already. EPERM: it was mounted by a user
    /// namespace's root.</exception>
    public static void MapOwners(Descriptor mount, Descriptor users, string path, bool recursive = false)
    {
        MountAttributes attributes = new() { Set = MOUNT_ATTR_IDMAP, UserNamespace = (ulong)users.Number };
        byte empty = 0;
        Check.Result(
            syscall(SYS_mount_setattr, mount.Number, (nint)(&empty), AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), (nint)(&attributes), sizeof(MountAttributes)),
            "mount_setattr", path);
    }

    /// <summary>Unmounts what is mounted on <paramref name="path"/> (umount2(2)); a symbolic link is not followed.</summary>
    /// <exception cref="LinuxException">EBUSY: it is in use. EINVAL: nothing is mounted there.</exception>
    public static void Unmount(string path, bool detach = false) =>
        Check.Result(umount2(path, UMOUNT_NOFOLLOW | (detach ? MNT_DETACH : 0)), "umount", path);

    /// <summary>Detaches the mount whose root is open, wherever it is attached (umount2(2), MNT_DETACH); one that is not attached is fine.</summary>
    public static void Detach(Descriptor mount)
    {
        if (umount2(mount.ProcPath, MNT_DETACH) < 0 && Marshal.GetLastPInvokeError() is int error and not Errno.EINVAL)
            throw new LinuxException(error, "umount", mount.ProcPath);
    }

    /// <summary>Makes <paramref name="root"/> the root of this mount namespace and lets go of the old one with everything below it
    /// (pivot_root(2), its «pivot_root(".", ".")»). The current directory is the new root afterwards.</summary>
    public static void PivotInto(Descriptor root)
    {
        byte* dot = stackalloc byte[] { (byte)'.', 0 };
        Check.Result(fchdir(root.Number), "fchdir");
        int number = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? SYS_pivot_root_arm64 : SYS_pivot_root_x64;
        Check.Result(syscall(number, (nint)dot, (nint)dot, 0), "pivot_root");
        Check.Result(umount2(".", MNT_DETACH), "umount", "the old root");
        Check.Result(chdir("/"), "chdir", "/");
    }

    /// <summary>Puts a mount in the place of those on a file in another process's mount namespace (setns(2)), beneath a directory of which no link leads out. That
    /// the same file is mounted there already is fine.</summary>
    /// <param name="mount">Attached nowhere yet.</param>
    /// <param name="process">A pidfd; null for this process's own namespace.</param>
    /// <param name="root">The directory, as seen in there.</param>
    /// <param name="path">The file, below it; made where it is missing.</param>
    /// <exception cref="LinuxException">ESRCH: the process has ended; ENOENT: a folder on the way is missing; and the others of move_mount(2).</exception>
    public static void Replace(Descriptor mount, Descriptor? process, string root, string path) => Apart(() =>
    {
        if (process is not null) Check.Result(setns(process.Number, CLONE_NEWNS), "setns");
        string name = Path.GetFileName(path);
        using Descriptor top = Files.Open(root, Files.O_PATH | Files.O_DIRECTORY);
        using Descriptor folder = Files.OpenInRoot(top, Path.GetDirectoryName(path)!, Files.O_PATH | Files.O_DIRECTORY);
        FileStatus wanted = Files.Status(mount);
        Check.Result(fchdir(folder.Number), "fchdir");
        // By its name in the working directory: a path of /proc would be the other's.
        for (; Files.StatusAt(folder, name) is { IsMountRoot: true } there; Unmount(name, detach: true))
            if (there.IsSameFile(wanted)) return;
        if (Files.StatusAt(folder, name) is null) Files.OpenInRoot(folder, name, Files.O_WRONLY | Files.O_CREAT | Files.O_EXCL, 0x1a4).Dispose();
        using Descriptor target = Files.OpenInRoot(folder, name, Files.O_PATH | Files.O_NOFOLLOW);
        Attach(mount, target);
    });

    /// <summary>Does something on a thread that has a copy of the mount table to itself (unshare(2), CLONE_NEWNS), gone afterwards: what is mounted there nobody sees, unless
    /// a clone of it is brought along (<see cref="CloneTree(Descriptor, bool)"/>). Descriptors that were opened before belong to the other table.</summary>
    /// <exception cref="LinuxException">EPERM: not root.</exception>
    public static T OnPrivateTable<T>(Func<T> act)
    {
        T? result = default;
        Apart(() =>
        {
            Check.Result(unshare(CLONE_NEWNS), "unshare");
            using (Descriptor root = Files.Open("/", Files.O_PATH | Files.O_DIRECTORY)) SetAttributes(root, 0, MS_PRIVATE, recursive: true);
            result = act();
        });
        return result!;
    }

    /// <summary>Does something on a thread of its own, which shares root and working directory with no other (unshare(2), CLONE_FS).</summary>
    private static void Apart(Action action)
    {
        LinuxException? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                Check.Result(unshare(CLONE_FS), "unshare");
                action();
            }
            catch (LinuxException e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        if (failure is not null) throw failure;
    }

    private static void Configured(long result, Descriptor configuration, string what)
    {
        if (result >= 0) return;
        int error = Marshal.GetLastPInvokeError();
        throw new LinuxException(error, "fsconfig", what, Log(configuration));
    }

    /// <summary>What the kernel wrote about the last failure: lines «e text», «w text», «i text» (fsopen(2)); ENODATA ends it.</summary>
    private static string Log(Descriptor configuration)
    {
        StringBuilder log = new();
        Span<byte> buffer = stackalloc byte[1024];
        while (true)
        {
            nint count;
            fixed (byte* bytes = buffer) count = read(configuration.Number, bytes, buffer.Length);
            if (count <= 2) return log.ToString();
            if (log.Length > 0) log.Append("; ");
            log.Append(Encoding.UTF8.GetString(buffer[2..(int)count]).TrimEnd());
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct MountAttributes
    {
        public ulong Set, Clear, Propagation, UserNamespace;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial long syscall(long number, nint a, nint b);

    [LibraryImport("libc", SetLastError = true)]
    private static partial long syscall(long number, nint a, nint b, nint c);

    [LibraryImport("libc", SetLastError = true)]
    private static partial long syscall(long number, nint a, nint b, nint c, nint d, nint e);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(PathMarshaller))]
    private static partial int umount2(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int unshare(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setns(int descriptor, int type);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(PathMarshaller))]
    private static partial int mount(string source, string target, string type, nuint flags, string options);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fchdir(int directory);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int chdir(string path);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(int file, byte* buffer, nint count);
}
