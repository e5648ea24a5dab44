using System.Buffers;
using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>What an entry of a directory is (readdir(3), d_type).</summary>
public enum EntryType : byte
{
    /// <summary>The file system does not say: statx(2) does.</summary>
    Unknown = 0,

    /// <summary>A fifo.</summary>
    Fifo = 1,

    /// <summary>A character device.</summary>
    CharacterDevice = 2,

    /// <summary>A directory.</summary>
    Directory = 4,

    /// <summary>A block device.</summary>
    BlockDevice = 6,

    /// <summary>A regular file.</summary>
    Regular = 8,

    /// <summary>A symbolic link.</summary>
    Link = 10,

    /// <summary>A socket.</summary>
    Socket = 12,
}

/// <summary>An entry of a directory.</summary>
/// <param name="Name">Its name with a NUL at the end.</param>
/// <param name="Type">What it is.</param>
public readonly record struct DirectoryEntry(byte[] Name, EntryType Type);

/// <summary>What is in a directory, by names as the bytes that they are: not all are UTF-8, and a string could not hold those.</summary>
public static unsafe partial class Directories
{
    private const int AT_REMOVEDIR = 0x200, O_RDONLY = 0, O_CLOEXEC = 0x80000;
    private const int SYS_getdents64_x64 = 217, SYS_getdents64_arm64 = 61;
    private const int BufferSize = 32 * 1024, LengthOffset = 16, TypeOffset = 18, NameOffset = 19;

    /// <summary>Reads on in an open directory: some entries without <c>.</c> and <c>..</c>; none at the end (getdents64(2)).</summary>
    public static IReadOnlyList<DirectoryEntry> ReadSome(Descriptor directory)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            List<DirectoryEntry> entries = [];
            while (true)
            {
                int length;
                fixed (byte* bytes = buffer)
                    length = (int)syscall(RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? SYS_getdents64_arm64 : SYS_getdents64_x64, directory.Number, (nint)bytes, BufferSize);
                // ENOENT: the directory itself was removed meanwhile, and has no more entries.
                if (length < 0 && Marshal.GetLastPInvokeError() == Errno.ENOENT) return [];
                Check.Result(length, "getdents64");
                for (ReadOnlySpan<byte> rest = buffer.AsSpan(0, length); !rest.IsEmpty;)
                {
                    int size = MemoryMarshal.Read<ushort>(rest[LengthOffset..]);
                    ReadOnlySpan<byte> name = rest[NameOffset..size];
                    name = name[..(name.IndexOf((byte)0) + 1)];
                    if (!name.SequenceEqual(".\0"u8) && !name.SequenceEqual("..\0"u8)) entries.Add(new DirectoryEntry(name.ToArray(), (EntryType)rest[TypeOffset]));
                    rest = rest[size..];
                }
                if (length == 0 || entries.Count > 0) return entries;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Opens a directory below an open one, no symbolic link (openat(2)).</summary>
    /// <param name="directory">Where.</param>
    /// <param name="name">Its name with a NUL at the end.</param>
    /// <exception cref="LinuxException">ELOOP, ENOTDIR, ENOENT and the others of openat(2).</exception>
    public static Descriptor Open(Descriptor directory, byte[] name)
    {
        fixed (byte* text = name)
            return Check.Descriptor(openat(directory.Number, text, O_RDONLY | Files.O_DIRECTORY | Files.O_NOFOLLOW | O_CLOEXEC, 0), "open", Text(name));
    }

    /// <summary>Removes a name that is no directory (unlink(2)) or an empty one (rmdir(2)).</summary>
    /// <returns>0, or the errno: EISDIR, ENOTEMPTY, EBUSY for what something is mounted on.</returns>
    public static int TryRemove(Descriptor directory, byte[] name, bool isDirectory)
    {
        fixed (byte* text = name)
            return unlinkat(directory.Number, text, isDirectory ? AT_REMOVEDIR : 0) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <summary>A name as text, for messages.</summary>
    public static string Text(byte[] name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return PathText.Decode(name.AsSpan(0, name.Length - 1));
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial long syscall(long number, nint a, nint b, nint c);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int openat(int directory, byte* path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int unlinkat(int directory, byte* path, int flags);
}
