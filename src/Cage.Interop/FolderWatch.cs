using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>Being told of new names in a folder (inotify(7)).</summary>
public static partial class FolderWatch
{
    private const int IN_CLOEXEC = 0x80000;
    private const uint IN_MOVED_TO = 0x80, IN_CREATE = 0x100, IN_ONLYDIR = 0x1000000;
    private const int MaximumEvent = 16 + 256;

    /// <summary>Begins to watch: the result is readable when there are names that were not there before, whatever is at them. Null where the user has no instance or watch
    /// left (EMFILE and ENOSPC: <c>fs.inotify.max_user_instances</c> is 128 by default).</summary>
    /// <exception cref="LinuxException">ENOENT, ENOTDIR, EACCES.</exception>
    public static Descriptor? TryOpen(string folder)
    {
        int number = inotify_init1(IN_CLOEXEC);
        if (number < 0 && Marshal.GetLastPInvokeError() == Errno.EMFILE) return null;
        Descriptor watch = Check.Descriptor(number, "inotify_init1");
        if (inotify_add_watch(watch.Number, folder, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) >= 0) return watch;
        int error = Marshal.GetLastPInvokeError();
        watch.Dispose();
        return error == Errno.ENOSPC ? null : throw new LinuxException(error, "inotify_add_watch", folder);
    }

    /// <summary>Forgets what one that is readable has to tell; there may be more.</summary>
    public static void Take(Descriptor watch)
    {
        Span<byte> events = stackalloc byte[16 * MaximumEvent];
        Files.Read(watch, events);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int inotify_init1(int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(PathMarshaller))]
    private static partial int inotify_add_watch(int watch, string path, uint events);
}
