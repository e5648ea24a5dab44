using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>What is in a directory, by names as the bytes that they are: not all are UTF-8, and a string could not hold those.</summary>
public static unsafe partial class Directories
{
    private const int AT_REMOVEDIR = 0x200, O_RDONLY = 0, O_CLOEXEC = 0x80000;
    private const int SYS_getdents64_x64 = 217, SYS_getdents64_arm64 = 61;
    private const int BufferSize = 32 * 1024, LengthOffset = 16, NameOffset = 19;

    /// <summary>Reads on in an open directory: some names, each with a NUL at its end, without <c>.</c> and <c>..</c>; none at the end (getdents64(2)).</summary>
    public static IReadOnlyList<byte[]> ReadSome(Descriptor directory)
    {
        byte[] buffer = new byte[BufferSize];
        List<byte[]> names = [];
        while (true)
        {
            int length;
            fixed (byte* bytes = buffer)
                length = (int)Check.Result(syscall(RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? SYS_getdents64_arm64 : SYS_getdents64_x64, directory.Number, (nint)bytes, BufferSize), "getdents64");
            ReadOnlySpan<byte> rest = buffer.AsSpan(0, length);
            while (!rest.IsEmpty)
            {
                int size = MemoryMarshal.Read<ushort>(rest[LengthOffset..]);
                ReadOnlySpan<byte> name = rest[NameOffset..size];
                name = name[..(name.IndexOf((byte)0) + 1)];
                if (!name.SequenceEqual(".\0"u8) && !name.SequenceEqual("..\0"u8)) names.Add(name.ToArray());
                rest = rest[size..];
            }
            if (length == 0 || names.Count > 0) return names;
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
