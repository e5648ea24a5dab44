using System.Runtime.InteropServices;
using System.Text;

namespace Cage.Interop;

/// <summary>Names and identity of the machine and of this process.</summary>
public static unsafe partial class Host
{
    /// <summary>This process's number in its own pid namespace (getpid(2)).</summary>
    public static int ProcessId => getpid();

    /// <summary>The effective user id (geteuid(2)).</summary>
    public static uint EffectiveUser => geteuid();

    /// <summary>Sets the name of this uts namespace (sethostname(2)).</summary>
    /// <exception cref="LinuxException">EINVAL: longer than 64 bytes.</exception>
    public static void SetHostName(string name)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        fixed (byte* text = bytes) Check.Result(sethostname(text, bytes.Length), "sethostname", name);
    }

    [LibraryImport("libc")]
    private static partial int getpid();

    [LibraryImport("libc")]
    private static partial uint geteuid();

    [LibraryImport("libc", SetLastError = true)]
    private static partial int sethostname(byte* name, nint length);
}
