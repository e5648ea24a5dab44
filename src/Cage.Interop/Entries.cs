using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>Making entries of a directory by names as the bytes that they are, each with a NUL at its end: for copies of whole trees.</summary>
public static unsafe partial class Entries
{
    private const int AT_SYMLINK_NOFOLLOW = 0x100, AT_EMPTY_PATH = 0x1000, PathLimit = 4096;
    private const int O_NOATIME = 0x40000;

    /// <summary>Opens a file to be copied: no symbolic link, without waiting for a fifo's other end, without noting that it was read (openat(2)).</summary>
    public static Descriptor OpenToRead(Descriptor directory, byte[] name)
    {
        fixed (byte* text = name)
        {
            const int Flags = Files.O_RDONLY | Files.O_NONBLOCK | Files.O_NOCTTY | Files.O_CLOEXEC;
            int number = openat(directory.Number, text, Flags | Files.O_NOFOLLOW | O_NOATIME, 0);
            if (number < 0 && Marshal.GetLastPInvokeError() == Errno.EPERM) number = openat(directory.Number, text, Flags | Files.O_NOFOLLOW, 0);
            return Check.Descriptor(number, "open", Directories.Text(name));
        }
    }

    /// <summary>Makes and opens a new file that only its owner can use so far (openat(2), O_EXCL).</summary>
    public static Descriptor Create(Descriptor directory, byte[] name)
    {
        fixed (byte* text = name)
            return Check.Descriptor(
                openat(directory.Number, text, Files.O_WRONLY | Files.O_CREAT | Files.O_EXCL | Files.O_NOFOLLOW | Files.O_CLOEXEC, 0x180), "open", Directories.Text(name));
    }

    /// <summary>Makes a directory that only its owner can use so far (mkdirat(2)).</summary>
    public static void MakeDirectory(Descriptor directory, byte[] name)
    {
        fixed (byte* text = name) Check.Result(mkdirat(directory.Number, text, 0x1c0), "mkdir", Directories.Text(name));
    }

    /// <summary>Makes a fifo, socket or device node (mknodat(2)).</summary>
    /// <param name="directory">Where.</param>
    /// <param name="name">Its name.</param>
    /// <param name="status">The type and the device it stands for.</param>
    public static void MakeNode(Descriptor directory, byte[] name, FileStatus status)
    {
        fixed (byte* text = name)
            Check.Result(mknodat(directory.Number, text, (status.Mode & Files.S_IFMT) | 0x180, status.Node), "mknod", Directories.Text(name));
    }

    /// <summary>Makes a symbolic link that says what another says (readlinkat(2), symlinkat(2)).</summary>
    public static void CopyLink(Descriptor from, Descriptor to, byte[] name)
    {
        byte* target = stackalloc byte[PathLimit + 1];
        fixed (byte* text = name)
        {
            nint length = (nint)Check.Result((long)readlinkat(from.Number, text, target, PathLimit), "readlink", Directories.Text(name));
            target[length] = 0;
            Check.Result(symlinkat(target, to.Number, text), "symlink", Directories.Text(name));
        }
    }

    /// <summary>Makes a symbolic link (symlinkat(2)).</summary>
    public static void MakeLink(Descriptor directory, byte[] name, string target)
    {
        fixed (byte* text = name, said = (byte[])[.. PathText.Encode(target), 0]) Check.Result(symlinkat(said, directory.Number, text), "symlink", Directories.Text(name));
    }

    /// <summary>Renames within a directory, replacing what is there, in one step (renameat(2)).</summary>
    public static void Rename(Descriptor directory, byte[] from, byte[] to)
    {
        fixed (byte* old = from, text = to) Check.Result(renameat(directory.Number, old, directory.Number, text), "rename", Directories.Text(to));
    }

    /// <summary>Gives an open file another name (linkat(2)).</summary>
    public static void Link(Descriptor fromDirectory, byte[] fromName, Descriptor directory, byte[] name)
    {
        fixed (byte* old = fromName, text = name)
            Check.Result(linkat(fromDirectory.Number, old, directory.Number, text, 0), "link", Directories.Text(name));
    }

    /// <summary>Changes the owner of a name, a symbolic link itself where it is one (fchownat(2)).</summary>
    public static void ChangeOwner(Descriptor directory, byte[] name, uint uid, uint gid)
    {
        fixed (byte* text = name) Check.Result(fchownat(directory.Number, text, uid, gid, AT_SYMLINK_NOFOLLOW), "chown", Directories.Text(name));
    }

    /// <summary>Changes the permission bits of a name that is no symbolic link (fchmodat(2)).</summary>
    public static void ChangeMode(Descriptor directory, byte[] name, uint mode)
    {
        fixed (byte* text = name) Check.Result(fchmodat(directory.Number, text, mode & 0xfff, 0), "chmod", Directories.Text(name));
    }

    /// <summary>Sets the times of a name, a symbolic link itself where it is one (utimensat(2)).</summary>
    public static void ChangeTimes(Descriptor directory, byte[] name, Timestamp accessed, Timestamp modified)
    {
        Timestamp* times = stackalloc Timestamp[2] { accessed, modified };
        fixed (byte* text = name) Check.Result(utimensat(directory.Number, text, times, AT_SYMLINK_NOFOLLOW), "utimensat", Directories.Text(name));
    }

    /// <summary>Sets the times of an open file (futimens(3)).</summary>
    public static void ChangeTimes(Descriptor file, Timestamp accessed, Timestamp modified)
    {
        Timestamp* times = stackalloc Timestamp[2] { accessed, modified };
        Check.Result(futimens(file.Number, times), "futimens");
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int openat(int directory, byte* path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int mkdirat(int directory, byte* path, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int mknodat(int directory, byte* path, uint mode, ulong device);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint readlinkat(int directory, byte* path, byte* buffer, nint size);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int symlinkat(byte* target, int directory, byte* path);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int renameat(int oldDirectory, byte* oldPath, int directory, byte* path);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int linkat(int oldDirectory, byte* oldPath, int directory, byte* path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fchownat(int directory, byte* path, uint uid, uint gid, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fchmodat(int directory, byte* path, uint mode, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int futimens(int file, Timestamp* times);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int utimensat(int directory, byte* path, Timestamp* times, int flags);
}
