using System.Buffers;
using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>Extended attributes (xattr(7)): access lists and file capabilities are among them.</summary>
public static unsafe partial class Attributes
{
    // XATTR_LIST_MAX, XATTR_SIZE_MAX (linux/limits.h).
    private const int ListLimit = 65536, ValueLimit = 65536;

    /// <summary>Gives an open file all the attributes of another.</summary>
    /// <exception cref="LinuxException">EOPNOTSUPP: the other file system has no such attributes; ENOSPC and the others of setxattr(2).</exception>
    public static void Copy(Descriptor from, Descriptor to)
    {
        if (flistxattr(from.Number, null, 0) is nint size && size <= 0)
        {
            if (size < 0 && Marshal.GetLastPInvokeError() is int error and not Errno.EOPNOTSUPP) throw new LinuxException(error, "listxattr");
            return;
        }
        Copy($"/proc/self/fd/{from.Number}", $"/proc/self/fd/{to.Number}", follow: true);
    }

    /// <summary>As <see cref="Copy(Descriptor, Descriptor)"/>, of names in two open directories, which are not followed.</summary>
    public static void Copy(Descriptor from, Descriptor to, byte[] name) => Copy(Way(from, name), Way(to, name), follow: false);

    /// <summary>The names of a file's attributes; none where its file system has none.</summary>
    public static IReadOnlyList<string> Names(Descriptor directory, byte[] name)
    {
        List<string> names = [];
        fixed (byte* path = Way(directory, name)) ForEach(path, follow: false, text => names.Add(PathText.Decode(new ReadOnlySpan<byte>((byte*)text, Length((byte*)text)))));
        return names;
    }

    /// <summary>Sets an attribute of a name; false where the file system has none (setxattr(2)).</summary>
    public static bool TrySet(Descriptor directory, string name, string attribute, ReadOnlySpan<byte> value)
    {
        fixed (byte* path = Way(directory, Files.Terminated(name)), text = Files.Terminated(attribute), bytes = value)
        {
            int result = lsetxattr(path, text, bytes, value.Length, 0);
            if (result < 0 && Marshal.GetLastPInvokeError() == Errno.EOPNOTSUPP) return false;
            Check.Result(result, "setxattr", name);
            return true;
        }
    }

    /// <summary>Takes an attribute away; one that is not there is fine (removexattr(2)).</summary>
    public static void Remove(Descriptor directory, byte[] name, string attribute)
    {
        fixed (byte* path = Way(directory, name), text = Files.Terminated(attribute))
            if (lremovexattr(path, text) < 0 && Marshal.GetLastPInvokeError() is int error and not Errno.ENODATA) throw new LinuxException(error, "removexattr", Directories.Text(name));
    }

    private static void Copy(string from, string to, bool follow) => Copy(Files.Terminated(from), Files.Terminated(to), follow);

    private static void Copy(byte[] from, byte[] to, bool follow)
    {
        fixed (byte* source = from, target = to)
        {
            nint one = (nint)source, other = (nint)target;
            ForEach(source, follow, name => CopyOne((byte*)one, (byte*)other, (byte*)name, follow));
        }
    }

    private static void ForEach(byte* path, bool follow, Action<nint> act)
    {
        byte[] list = ArrayPool<byte>.Shared.Rent(ListLimit);
        try
        {
            fixed (byte* names = list)
            {
                nint length = follow ? listxattr(path, names, ListLimit) : llistxattr(path, names, ListLimit);
                if (length < 0 && Marshal.GetLastPInvokeError() == Errno.EOPNOTSUPP) return;
                Check.Result((long)length, "listxattr");
                for (nint at = 0; at < length; at += Length(names + at) + 1) act((nint)(names + at));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(list);
        }
    }

    private static void CopyOne(byte* from, byte* to, byte* name, bool follow)
    {
        // XFS shows once more how it keeps the access lists; elsewhere that would mean nothing.
        if (MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name).StartsWith("trusted.SGI_ACL_"u8)) return;
        byte[] value = ArrayPool<byte>.Shared.Rent(ValueLimit);
        try
        {
            fixed (byte* bytes = value)
            {
                nint size = follow ? getxattr(from, name, bytes, ValueLimit) : lgetxattr(from, name, bytes, ValueLimit);
                // ENODATA: it was taken away meanwhile.
                if (size < 0 && Marshal.GetLastPInvokeError() == Errno.ENODATA) return;
                Check.Result((long)size, "getxattr");
                string? shown = Marshal.PtrToStringUTF8((nint)name);
                int result = follow ? setxattr(to, name, bytes, size, 0) : lsetxattr(to, name, bytes, size, 0);
                // btrfs's own say how it is to store the file, and mean nothing elsewhere.
                if (result < 0 && Marshal.GetLastPInvokeError() is int error && (error != Errno.EOPNOTSUPP || shown?.StartsWith("btrfs.", StringComparison.Ordinal) != true))
                    throw new LinuxException(error, "setxattr", shown);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(value);
        }
    }

    private static int Length(byte* text) => MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text).Length;

    private static byte[] Way(Descriptor directory, byte[] name) => [.. System.Text.Encoding.ASCII.GetBytes($"/proc/self/fd/{directory.Number}/"), .. name];

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint flistxattr(int file, byte* list, nint size);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint listxattr(byte* path, byte* list, nint size);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint llistxattr(byte* path, byte* list, nint size);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint getxattr(byte* path, byte* name, byte* value, nint size);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint lgetxattr(byte* path, byte* name, byte* value, nint size);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setxattr(byte* path, byte* name, byte* value, nint size, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int lsetxattr(byte* path, byte* name, byte* value, nint size, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int lremovexattr(byte* path, byte* name);
}
