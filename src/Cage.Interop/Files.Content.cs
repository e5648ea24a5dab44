using System.Runtime.InteropServices;

namespace Cage.Interop;

public static unsafe partial class Files
{
    /// <summary>Reads from where the descriptor stands; 0 at the end (read(2)).</summary>
    /// <exception cref="LinuxException">EAGAIN on an empty non-blocking one, EIO on a hung-up terminal and the others of read(2).</exception>
    public static int Read(Descriptor file, Span<byte> buffer) => (int)Check.Result(ReadRaw(file.Number, buffer), "read");

    /// <summary>Reads from <paramref name="offset"/>, wherever the descriptor stands; less than asked for only at the end (pread(2)).</summary>
    /// <returns>How many bytes there were.</returns>
    public static int ReadAt(Descriptor file, Span<byte> buffer, long offset)
    {
        int length = 0;
        fixed (byte* bytes = buffer)
        {
            while (length < buffer.Length)
            {
                nint count = pread(file.Number, bytes + length, buffer.Length - length, offset + length);
                if (Check.Interrupted(count)) continue;
                if (Check.Result((long)count, "pread") == 0) break;
                length += (int)count;
            }
        }
        return length;
    }

    /// <summary>Reads a whole file, up to <paramref name="limit"/> bytes.</summary>
    /// <exception cref="LinuxException">EFBIG when it is larger, and those of read(2).</exception>
    public static byte[] ReadAll(Descriptor file, int limit = 1 << 20)
    {
        byte[] buffer = new byte[Math.Min(1024, limit + 1)];
        int length = 0;
        while (true)
        {
            int count = Read(file, buffer.AsSpan(length));
            if (count == 0) return buffer.AsSpan(0, length).ToArray();
            length += count;
            if (length > limit) throw new LinuxException(Errno.EFBIG, "read");
            if (length == buffer.Length) Array.Resize(ref buffer, (int)Math.Min((long)buffer.Length * 2, limit + 1L));
        }
    }

    /// <summary>Writes all of <paramref name="data"/> (write(2)).</summary>
    /// <exception cref="LinuxException">ENOSPC, EPIPE, EAGAIN on a full non-blocking one, and the others of write(2).</exception>
    public static void Write(Descriptor file, ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty) data = data[WriteSome(file, data)..];
    }

    /// <summary>Writes what goes in one call and returns how much that was (write(2)).</summary>
    public static int WriteSome(Descriptor file, ReadOnlySpan<byte> data)
    {
        fixed (byte* bytes = data)
        {
            nint count;
            do count = write(file.Number, bytes, data.Length);
            while (Check.Interrupted(count));
            return (int)Check.Result((long)count, "write");
        }
    }

    /// <summary>Writes at a place of a file, in one call (pwrite(2)).</summary>
    public static void WriteAt(Descriptor file, ReadOnlySpan<byte> data, long offset)
    {
        fixed (byte* bytes = data) Check.Result((long)pwrite(file.Number, bytes, data.Length, offset), "pwrite");
    }

    private static nint ReadRaw(int number, Span<byte> buffer)
    {
        fixed (byte* bytes = buffer)
        {
            nint count;
            do count = read(number, bytes, buffer.Length);
            while (Check.Interrupted(count));
            return count;
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(int file, byte* buffer, nint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint pread(int file, byte* buffer, nint count, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(int file, byte* buffer, nint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint pwrite(int file, byte* buffer, nint count, long offset);
}
