using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>The size of a terminal's window, in characters (TIOCGWINSZ, ioctl_tty(2)).</summary>
public readonly record struct WindowSize(ushort Rows, ushort Columns);

/// <summary>
/// Terminals and pseudo terminals (termios(3), pty(7)). Where a call takes a <see cref="SafeHandle"/>, a <see cref="Descriptor"/> is one,
/// and so is <c>new SafeFileHandle(0, ownsHandle: false)</c> for standard input.
/// </summary>
public static unsafe partial class Terminal
{
    private const int TCSANOW = 0;
    private const uint TIOCGWINSZ = 0x5413, TIOCSWINSZ = 0x5414, TIOCGPTN = 0x80045430, TIOCSPTLCK = 0x40045431, TIOCGPTPEER = 0x5441;

    /// <summary>Whether <paramref name="file"/> is a terminal (isatty(3)).</summary>
    public static bool IsTerminal(SafeHandle file) => isatty(file) == 1;

    /// <summary>The present mode of a terminal; disposing of it sets that mode again (tcgetattr(3)).</summary>
    /// <exception cref="LinuxException">ENOTTY: not a terminal. EIO: it has hung up.</exception>
    public static TerminalMode GetMode(SafeHandle terminal)
    {
        Termios mode;
        Check.Result(tcgetattr(terminal, &mode), "tcgetattr");
        return new TerminalMode(terminal, mode);
    }

    /// <summary>Gives <paramref name="terminal"/> a mode, which may be that of another (tcsetattr(3)). From a background process group, the
    /// terminal stops the caller with SIGTTOU, unless that is blocked or ignored.</summary>
    /// <exception cref="LinuxException">ENOTTY: not a terminal. EIO: it has hung up.</exception>
    public static void SetMode(SafeHandle terminal, TerminalMode mode)
    {
        Termios bytes = mode.Saved;
        Set(terminal, &bytes);
    }

    /// <summary>Makes a terminal raw: every byte passes as it is, without line editing, echo, signals, translation (cfmakeraw(3)).</summary>
    /// <returns>The mode it had; disposing of it sets that again.</returns>
    /// <exception cref="LinuxException">ENOTTY: not a terminal. EIO: it has hung up.</exception>
    public static TerminalMode MakeRaw(SafeHandle terminal)
    {
        TerminalMode before = GetMode(terminal);
        Termios mode = before.Saved;
        cfmakeraw(&mode);
        Set(terminal, &mode);
        return before;
    }

    /// <summary>The size of a terminal's window (TIOCGWINSZ, ioctl_tty(2)); 0 by 0 where nobody has set it.</summary>
    /// <exception cref="LinuxException">ENOTTY: not a terminal.</exception>
    public static WindowSize GetSize(SafeHandle terminal)
    {
        WinSize size;
        Check.Result(ioctl(terminal, TIOCGWINSZ, (nint)(&size)), "ioctl TIOCGWINSZ");
        return new WindowSize(size.Rows, size.Columns);
    }

    /// <summary>Sets the size of a terminal's window; a change sends SIGWINCH to its foreground (TIOCSWINSZ, ioctl_tty(2)).</summary>
    /// <exception cref="LinuxException">ENOTTY: not a terminal.</exception>
    public static void SetSize(SafeHandle terminal, WindowSize window)
    {
        WinSize size = new() { Rows = window.Rows, Columns = window.Columns };
        Check.Result(ioctl(terminal, TIOCSWINSZ, (nint)(&size)), "ioctl TIOCSWINSZ");
    }

    /// <summary>
    /// Opens a new pseudo terminal of the devpts instance whose root <paramref name="devpts"/> is (pts(4)). The peer comes from the leader
    /// (TIOCGPTPEER, ioctl_tty(2)): looked up by its name, it could be another instance's, or whatever was put there. Neither becomes the
    /// caller's controlling terminal.
    /// </summary>
    /// <returns>The two ends, both to be disposed of, and the peer's name in the instance, as a number.</returns>
    /// <exception cref="LinuxException">ENOENT or ELOOP: no ptmx there, or a link in its place. ENOTTY: something else is.
    /// EACCES: its mode is 000, unless mounted otherwise, and we are not root. ENOSPC: the instance's limit is reached.</exception>
    public static (Descriptor Leader, Descriptor Peer, int Number) OpenPair(Descriptor devpts)
    {
        Descriptor leader = Files.OpenAt(devpts, "ptmx", Files.O_RDWR | Files.O_NOCTTY | Files.O_NOFOLLOW);
        try
        {
            int locked = 0, number;
            Check.Result(ioctl(leader, TIOCSPTLCK, (nint)(&locked)), "ioctl TIOCSPTLCK");
            Check.Result(ioctl(leader, TIOCGPTN, (nint)(&number)), "ioctl TIOCGPTN");
            int peer = ioctl(leader, TIOCGPTPEER, Files.O_RDWR | Files.O_NOCTTY | Files.O_CLOEXEC);
            return (leader, Check.Descriptor(peer, "ioctl TIOCGPTPEER"), number);
        }
        catch
        {
            leader.Dispose();
            throw;
        }
    }

    // Without waiting for output to drain: that could last for ever, and gains nothing, as Linux translates output when it is written.
    private static void Set(SafeHandle terminal, Termios* mode)
    {
        int result;
        do result = tcsetattr(terminal, TCSANOW, mode);
        while (Check.Interrupted(result));
        Check.Result(result, "tcsetattr");
    }

    /// <summary>struct termios, which tcgetattr(3) fills; only the C library looks inside.</summary>
    internal struct Termios
    {
        public fixed uint Words[15];
    }

    // struct winsize
    [StructLayout(LayoutKind.Sequential)]
    private struct WinSize
    {
        public ushort Rows, Columns, WidthPixels, HeightPixels;
    }

    [LibraryImport("libc")]
    private static partial int isatty(SafeHandle file);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int tcgetattr(SafeHandle terminal, Termios* mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int tcsetattr(SafeHandle terminal, int when, Termios* mode);

    [LibraryImport("libc")]
    private static partial void cfmakeraw(Termios* mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(SafeHandle file, nuint request, nint argument);
}
