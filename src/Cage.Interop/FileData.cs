using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>The content of regular files, copied inside the kernel (ioctl_ficlone(2), copy_file_range(2)).</summary>
public static unsafe partial class FileData
{
    private const nuint FICLONE = 0x40049409;
    private const int SEEK_DATA = 3, SEEK_HOLE = 4, BufferSize = 1 << 20, SmallestBlock = 4096, ENXIO = Errno.ENXIO;
    private const nint Chunk = 1 << 24;

    // Up to here a copy by way of memory costs less than copy_file_range(2), which first tries to share the blocks where the file system can.
    private const int SmallPart = 1 << 16;

    /// <summary>Lets an empty file share all blocks of another (FICLONE); false where the file system cannot.</summary>
    /// <exception cref="LinuxException">ENOSPC, EDQUOT, EIO and the others that are no question of ability.</exception>
    public static bool TryClone(Descriptor from, Descriptor to)
    {
        if (ioctl(to.Number, FICLONE, from.Number) == 0) return true;
        int error = Marshal.GetLastPInvokeError();
        if (error is Errno.EOPNOTSUPP or Errno.EXDEV or Errno.EINVAL or Errno.ENOTTY or Errno.ENOSYS) return false;
        throw new LinuxException(error, "ficlone");
    }

    /// <summary>Copies all of a file into an empty one; what are holes there stay holes.</summary>
    /// <param name="from">Open to read.</param>
    /// <param name="to">Open to write.</param>
    /// <param name="status">What is known of the first.</param>
    /// <param name="copied">Is told of each part that is there, in bytes.</param>
    /// <param name="cancellation">Looked at every 16 MiB.</param>
    public static void Copy(Descriptor from, Descriptor to, FileStatus status, Action<long>? copied, CancellationToken cancellation)
    {
        if (status.Size == 0) return;
        // One block has no hole. More may have, however many are counted: XFS keeps spare ones at the end.
        if (status.Size <= SmallestBlock && status.Blocks > 0)
        {
            CopyPart(from, to, 0, status.Size, copied, cancellation);
            return;
        }
        long end = 0, written = 0;
        while (true)
        {
            long start = lseek(from.Number, end, SEEK_DATA);
            if (start < 0)
            {
                // ENXIO: nothing but a hole is left. EINVAL: this file system does not tell holes.
                int error = Marshal.GetLastPInvokeError();
                if (error == ENXIO) break;
                if (error != Errno.EINVAL) throw new LinuxException(error, "lseek");
                CopyPart(from, to, 0, status.Size, copied, cancellation);
                return;
            }
            // What is written behind that meanwhile is not waited for.
            if (start >= status.Size) break;
            end = Check.Result(lseek(from.Number, start, SEEK_HOLE), "lseek");
            written = Math.Min(end, status.Size);
            CopyPart(from, to, start, written, copied, cancellation);
        }
        // Only where a hole is at the end: XFS would write all of the file to the disk first.
        if (written < status.Size) Check.Result(ftruncate(to.Number, status.Size), "ftruncate");
    }

    private static void CopyPart(Descriptor from, Descriptor to, long position, long end, Action<long>? copied, CancellationToken cancellation)
    {
        if (end - position <= SmallPart)
        {
            CopySmall(from, to, position, end, copied, cancellation);
            return;
        }
        long source = position, target = position;
        while (source < end)
        {
            cancellation.ThrowIfCancellationRequested();
            nint count = copy_file_range(from.Number, &source, to.Number, &target, (nint)Math.Min(Chunk, end - source), 0);
            if (count > 0)
            {
                copied?.Invoke(count);
                continue;
            }
            if (count == 0)
            {
                // Files of /proc and /sys end at once here, though they have content.
                if (source == 0) CopyThrough(from, to, 0, end, copied, cancellation);
                return;
            }
            int error = Marshal.GetLastPInvokeError();
            if (error == Errno.EINTR) continue;
            if (error is not (Errno.EXDEV or Errno.EINVAL or Errno.EOPNOTSUPP or Errno.ENOSYS or Errno.EPERM)) throw new LinuxException(error, "copy_file_range");
            CopyThrough(from, to, source, end, copied, cancellation);
            return;
        }
    }

    [SkipLocalsInit]
    private static void CopySmall(Descriptor from, Descriptor to, long position, long end, Action<long>? copied, CancellationToken cancellation)
    {
        byte* buffer = stackalloc byte[SmallPart];
        CopyThrough(from, to, position, end, buffer, SmallPart, copied, cancellation);
    }

    private static void CopyThrough(Descriptor from, Descriptor to, long position, long end, Action<long>? copied, CancellationToken cancellation)
    {
        byte* buffer = (byte*)NativeMemory.Alloc(BufferSize);
        try
        {
            CopyThrough(from, to, position, end, buffer, BufferSize, copied, cancellation);
        }
        finally
        {
            NativeMemory.Free(buffer);
        }
    }

    private static void CopyThrough(Descriptor from, Descriptor to, long position, long end, byte* buffer, int size, Action<long>? copied, CancellationToken cancellation)
    {
        while (position < end)
        {
            cancellation.ThrowIfCancellationRequested();
            nint count = pread(from.Number, buffer, (nint)Math.Min(size, end - position), position);
            if (Check.Interrupted(count)) continue;
            if (Check.Result((long)count, "pread") == 0) return;
            for (nint done = 0; done < count;)
            {
                nint written = pwrite(to.Number, buffer + done, count - done, position + done);
                if (Check.Interrupted(written)) continue;
                done += (nint)Check.Result((long)written, "pwrite");
            }
            position += count;
            copied?.Invoke(count);
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(int file, nuint request, nint argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial long lseek(int file, long offset, int whence);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ftruncate(int file, long length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint copy_file_range(int from, long* fromOffset, int to, long* toOffset, nint length, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint pread(int file, byte* buffer, nint count, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint pwrite(int file, byte* buffer, nint count, long offset);
}
