using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>The mode a terminal had (struct termios, termios(3)). Disposing of it sets that mode again, once.</summary>
public sealed class TerminalMode : IDisposable
{
    private readonly SafeHandle _terminal;
    private bool _restored;

    internal TerminalMode(SafeHandle terminal, Terminal.Termios saved)
    {
        _terminal = terminal;
        Saved = saved;
    }

    internal Terminal.Termios Saved { get; }

    /// <summary>Sets the mode again. A terminal that is closed or has hung up (EIO) by now is left alone.</summary>
    public void Dispose()
    {
        if (_restored || _terminal.IsClosed) return;
        _restored = true;
        try
        {
            Terminal.SetMode(_terminal, this);
        }
        catch (LinuxException error) when (error.Number is Errno.EIO or Errno.EBADF)
        {
        }
    }
}
