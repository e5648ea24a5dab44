using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>Where a file's data lie (Documentation/filesystems/fiemap.rst).</summary>
public static unsafe partial class FileExtents
{
    private const nuint FS_IOC_FIEMAP = 0xc020660b;
    private const uint FIEMAP_EXTENT_LAST = 1, FIEMAP_EXTENT_SHARED = 0x2000;
    private const int Count = 64;

    /// <summary>How many bytes of a file share their place on the disk with another file; null where the file system does not tell.</summary>
    public static long? SharedBytes(Descriptor file)
    {
        Request request = new() { Length = ulong.MaxValue, Room = Count };
        long shared = 0;
        while (true)
        {
            request.Found = 0;
            if (ioctl(file.Number, FS_IOC_FIEMAP, &request) < 0)
                return Marshal.GetLastPInvokeError() is int error and not (Errno.EOPNOTSUPP or Errno.ENOTTY or Errno.EINVAL) ? throw new LinuxException(error, "fiemap") : null;
            if (request.Found == 0) return shared;
            ReadOnlySpan<Extent> extents = MemoryMarshal.Cast<byte, Extent>(new ReadOnlySpan<byte>(request.Extents, Count * sizeof(Extent)))[..(int)request.Found];
            foreach (Extent extent in extents)
                if ((extent.Flags & FIEMAP_EXTENT_SHARED) != 0) shared += (long)extent.Length;
            if ((extents[^1].Flags & FIEMAP_EXTENT_LAST) != 0) return shared;
            request.Start = extents[^1].Logical + extents[^1].Length;
            request.Length = ulong.MaxValue - request.Start;
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Request
    {
        public ulong Start, Length;
        public uint Flags, Found, Room, Reserved;
        public fixed byte Extents[Count * 56];
    }

    [StructLayout(LayoutKind.Sequential, Size = 56)]
    private struct Extent
    {
        public ulong Logical, Physical, Length, Reserved0, Reserved1;
        public uint Flags;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(int file, nuint request, Request* argument);
}
