using Cage.Interop;
using Microsoft.Win32.SafeHandles;

namespace Cage.Engine.Runtime;

/// <summary>Joins the caller's terminal and a command's own: keys in, screen out, the window's size along. The caller's terminal is raw
/// meanwhile, so that Ctrl+C and the like mean what is inside, and as it was afterwards.</summary>
public static class TerminalRelay
{
    private const int BufferSize = 16384;

    /// <summary>Whether standard input and output are a terminal, as a relay needs them.</summary>
    public static bool IsPossible
    {
        get
        {
            using SafeFileHandle input = new(0, ownsHandle: false), output = new(1, ownsHandle: false);
            return Terminal.IsTerminal(input) && Terminal.IsTerminal(output);
        }
    }

    /// <summary>Gives a new terminal the size of the caller's.</summary>
    public static void CopySize(Descriptor leader)
    {
        using SafeFileHandle input = new(0, ownsHandle: false);
        Terminal.SetSize(leader, Terminal.GetSize(input));
    }

    /// <summary>Relays until the command has ended and what it wrote is out.</summary>
    /// <param name="leader">The leading side of the command's terminal. It is closed early when the caller's terminal goes: a hang-up inside,
    /// which also ends a reading that ignores the signal.</param>
    /// <param name="process">The command's pidfd.</param>
    /// <param name="signals">Two bytes for each signal that came (<see cref="Signals.Watch"/>): a new window size is passed on, an end is a hang-up inside.</param>
    public static void Run(Descriptor leader, Descriptor process, Descriptor signals)
    {
        ArgumentNullException.ThrowIfNull(leader);
        using Descriptor input = Channels.Duplicate(0), output = Channels.Duplicate(1);
        using TerminalMode before = Terminal.MakeRaw(input);
        Channels.SetNonBlocking(leader);
        byte[] keys = new byte[BufferSize], screen = new byte[BufferSize];
        ReadOnlyMemory<byte> pending = default;
        bool inputOpen = true, screenOpen = true;
        PollEntry[] entries = new PollEntry[4];
        while (true)
        {
            entries[0] = new PollEntry(process, Channels.POLLIN);
            entries[1] = new PollEntry(screenOpen ? leader : null, (short)(Channels.POLLIN | (pending.IsEmpty ? 0 : Channels.POLLOUT)));
            entries[2] = new PollEntry(inputOpen && pending.IsEmpty ? input : null, Channels.POLLIN);
            entries[3] = new PollEntry(signals, Channels.POLLIN);
            if (!Channels.Poll(entries, -1)) continue;
            bool hungUp = (entries[3].Ready & Channels.POLLIN) != 0 && PassOn(signals, leader, process);
            if (entries[2].Ready != 0)
            {
                int count = TryRead(input, keys);
                hungUp |= count <= 0;
                pending = keys.AsMemory(0, Math.Max(0, count));
            }
            if (hungUp)
            {
                inputOpen = screenOpen = false;
                pending = default;
                leader.Dispose();
            }
            if (!screenOpen) entries[1] = default;
            if ((entries[1].Ready & Channels.POLLOUT) != 0) pending = pending[Channels.TryWrite(leader, pending.Span)..];
            // With nobody left at the other side a read is EIO: the screen is over, the command may still run.
            if ((entries[1].Ready & ~Channels.POLLOUT) != 0) screenOpen = Drain(leader, output, screen);
            if (entries[0].Ready == 0) continue;
            if (screenOpen) Drain(leader, output, screen);
            return;
        }
    }

    private static bool Drain(Descriptor leader, Descriptor output, byte[] buffer)
    {
        while (true)
        {
            int count;
            try
            {
                count = Files.Read(leader, buffer);
            }
            catch (LinuxException e) when (e.Number is Errno.EAGAIN or Errno.EIO)
            {
                return e.Number == Errno.EAGAIN;
            }
            if (count == 0) return false;
            Files.Write(output, buffer.AsSpan(0, count));
        }
    }

    private static int TryRead(Descriptor input, byte[] buffer)
    {
        try
        {
            return Files.Read(input, buffer);
        }
        catch (LinuxException e) when (e.Number is Errno.EIO or Errno.EAGAIN)
        {
            return 0;
        }
    }

    /// <returns>Whether the caller's terminal is gone.</returns>
    private static bool PassOn(Descriptor signals, Descriptor leader, Descriptor process)
    {
        bool hungUp = false;
        byte[] messages = new byte[64];
        int count = Files.Read(signals, messages);
        for (int i = 0; i < count; i += 2)
        {
            hungUp |= messages[i] == Processes.SIGHUP;
            if (messages[i] != Processes.SIGWINCH) CommandSignal.HandOn(process, messages[i] == Processes.SIGTERM ? Processes.SIGHUP : messages[i]);
            else if (!leader.IsClosed) CopySize(leader);
        }
        return hungUp;
    }
}
