using System.Runtime.InteropServices;
using System.Text;

namespace Cage.Interop;

/// <summary>Names and identity of the machine and of this process, and the kernel's random numbers.</summary>
public static unsafe partial class Host
{
    /// <summary>What the kernel takes at most, however large the stack may grow (execve(2)).</summary>
    private const int LongestCommandLine = 6 << 20;

    /// <summary>This process's number in its own pid namespace (getpid(2)).</summary>
    public static int ProcessId => getpid();

    /// <summary>The effective user id (geteuid(2)).</summary>
    public static uint EffectiveUser => geteuid();

    /// <summary>The arguments of this process as they were given, in the manner of <see cref="PathText"/>: .NET makes U+FFFD of every byte that is not UTF-8, and another
    /// file's name of a file's.</summary>
    /// <param name="args">What .NET has made of them.</param>
    public static string[] Arguments(string[] args)
    {
        ArgumentNullException.ThrowIfNull(args);
        if (!args.Any(arg => arg.Contains('\uFFFD'))) return args;
        using Descriptor file = Files.Open("/proc/self/cmdline", Files.O_RDONLY);
        string[] all = PathText.Decode(Files.ReadAll(file, LongestCommandLine)).Split('\0');
        return all[^(args.Length + 1)..^1];
    }

    /// <summary>Sets the name of this uts namespace (sethostname(2)).</summary>
    /// <exception cref="LinuxException">EINVAL: longer than 64 bytes.</exception>
    public static void SetHostName(string name)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        fixed (byte* text = bytes) Check.Result(sethostname(text, bytes.Length), "sethostname", name);
    }

    /// <summary>Fills it with bytes that nobody can guess (getrandom(2)).</summary>
    public static void GetRandom(Span<byte> bytes)
    {
        // Up to 256 come whole, whatever signals do.
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes.Length, 256);
        fixed (byte* first = bytes) Check.Result(getrandom(first, bytes.Length, 0), "getrandom");
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint getrandom(byte* bytes, nint length, uint flags);

    [LibraryImport("libc")]
    private static partial int getpid();

    [LibraryImport("libc")]
    private static partial uint geteuid();

    [LibraryImport("libc", SetLastError = true)]
    private static partial int sethostname(byte* name, nint length);
}
