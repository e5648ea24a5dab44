using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Cage.Tests;

/// <summary>A mount namespace of its own for a test that mounts: what it mounts goes with its thread, and the host never sees it.</summary>
public static partial class MountNamespace
{
    public const ulong MS_RDONLY = 1, MS_BIND = 4096, MS_MOVE = 8192, MS_REC = 16384, MS_UNBINDABLE = 1 << 17, MS_PRIVATE = 1 << 18,
        MS_SLAVE = 1 << 19, MS_SHARED = 1 << 20;

    /// <summary>
    /// Runs <paramref name="body"/> on a thread in a new mount namespace, all private, and throws what it threw. In there,
    /// /proc/thread-self/mountinfo is the table to read: /proc/self is the process, which stays outside. The thread is never reused.
    /// </summary>
    public static void Run(Action body)
    {
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                // CLONE_FS: threads share their root and working directory, and such cannot enter another mount namespace.
                if (unshare(CLONE_FS | CLONE_NEWNS) != 0) throw Failure("unshare");
                Mount(null, "/", null, MS_REC | MS_PRIVATE);
                body();
            }
            catch (Exception error)
            {
                failure = ExceptionDispatchInfo.Capture(error);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
    }

    /// <summary>As <see cref="Run(Action)"/>, in an empty directory that is a tmpfs of the namespace; gone afterwards.</summary>
    public static void Run(Action<string> body)
    {
        string directory = Directory.CreateTempSubdirectory("cage-test-").FullName;
        try
        {
            Run(() =>
            {
                Mount("cage-test", directory, "tmpfs");
                body(directory);
            });
        }
        finally
        {
            Directory.Delete(directory);
        }
    }

    /// <summary>mount(2); bytes that are not UTF-8 can be in no string, hence the other overload.</summary>
    public static void Mount(string? source, string target, string? type, ulong flags = 0, string? options = null)
    {
        if (mount(source, target, type, flags, options) != 0) throw Failure($"mount {target}");
    }

    /// <summary>mount(2) on a path of any bytes, without a NUL at the end.</summary>
    public static void Mount(string? source, byte[] target, string? type)
    {
        if (mount(source, [.. target, 0], type, 0, null) != 0) throw Failure("mount");
    }

    private static IOException Failure(string operation) => new($"{operation}: {Marshal.GetLastPInvokeErrorMessage()}");

    private const int CLONE_FS = 0x200, CLONE_NEWNS = 0x20000;

    [LibraryImport("libc", SetLastError = true)]
    private static partial int unshare(int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mount(string? source, string target, string? type, ulong flags, string? data);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mount(string? source, byte[] target, string? type, ulong flags, string? data);
}
