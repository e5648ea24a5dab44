using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>Pipes, socket pairs, memory files and waiting on them.</summary>
public static unsafe partial class Channels
{
#pragma warning disable CS1591 // poll(2)
    public const short POLLIN = 1, POLLPRI = 2, POLLOUT = 4, POLLERR = 8, POLLHUP = 16;
    private const int O_CLOEXEC = 0x80000, AF_UNIX = 1, SOCK_STREAM = 1, SOCK_CLOEXEC = 0x80000;
    private const uint MFD_CLOEXEC = 1, MFD_ALLOW_SEALING = 2;
    private const int F_ADD_SEALS = 1033, F_SEAL_SEAL = 1, F_SEAL_SHRINK = 2, F_SEAL_GROW = 4, F_SEAL_WRITE = 8;
    private const int F_GETFD = 1, F_GETFL = 3, F_SETFL = 4, O_NONBLOCK = 0x800, F_DUPFD_CLOEXEC = 1030;
#pragma warning restore CS1591

    /// <summary>A pipe, both ends close-on-exec (pipe2(2)).</summary>
    public static (Descriptor Read, Descriptor Write) Pipe()
    {
        int* ends = stackalloc int[2];
        Check.Result(pipe2(ends, O_CLOEXEC), "pipe2");
        return (new Descriptor(ends[0]), new Descriptor(ends[1]));
    }

    /// <summary>Two connected stream sockets (socketpair(2)).</summary>
    public static (Descriptor Ours, Descriptor Theirs) SocketPair()
    {
        int* ends = stackalloc int[2];
        Check.Result(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair");
        return (new Descriptor(ends[0]), new Descriptor(ends[1]));
    }

    /// <summary>An empty file in memory (memfd_create(2)).</summary>
    public static Descriptor Memory(string name) => Check.Descriptor(memfd_create(name, MFD_CLOEXEC), "memfd_create", name);

    /// <summary>A file in memory with <paramref name="content"/>, sealed: nobody can change it any more (memfd_create(2)).</summary>
    public static Descriptor SealedMemory(string name, ReadOnlySpan<byte> content)
    {
        Descriptor file = Check.Descriptor(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create", name);
        Files.Write(file, content);
        Check.Result(fcntl(file.Number, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), "fcntl", "F_ADD_SEALS");
        return file;
    }

    /// <summary>Another descriptor of the same open file, close-on-exec (fcntl(2), F_DUPFD_CLOEXEC).</summary>
    /// <param name="number">One that is open, such as 0, 1 or 2.</param>
    public static Descriptor Duplicate(int number) => Check.Descriptor(fcntl(number, F_DUPFD_CLOEXEC, 3), "fcntl", "F_DUPFD_CLOEXEC");

    /// <summary>One of the caller's descriptors 0, 1 and 2, which the result never closes.</summary>
    public static Descriptor Standard(int number)
    {
        Descriptor descriptor = new(number);
        descriptor.SetHandleAsInvalid();
        return descriptor;
    }

    /// <summary>Opens <c>/dev/null</c> for each standard descriptor that the caller has closed: what is opened next would take its number, and be taken for it.</summary>
    public static void EnsureStandard()
    {
        for (int number = 0; number < 3; number++)
            // The lowest free number is the missing one. It is never closed again.
            if (fcntl(number, F_GETFD, 0) < 0) Files.Open("/dev/null", Files.O_RDWR).SetHandleAsInvalid();
    }

    /// <summary>Lets reads and writes return EAGAIN instead of waiting (fcntl(2), O_NONBLOCK).</summary>
    public static void SetNonBlocking(Descriptor file) =>
        Check.Result(fcntl(file.Number, F_SETFL, Check.Result(fcntl(file.Number, F_GETFL, 0), "fcntl") | O_NONBLOCK), "fcntl", "O_NONBLOCK");

    /// <summary>Writes what goes at once to a non-blocking descriptor; 0 when nothing does (write(2)).</summary>
    public static int TryWrite(Descriptor file, ReadOnlySpan<byte> data)
    {
        try
        {
            return Files.WriteSome(file, data);
        }
        catch (LinuxException e) when (e.Number == Errno.EAGAIN)
        {
            return 0;
        }
    }

    /// <summary>Waits until one of them is ready or <paramref name="timeout"/> milliseconds are over, -1 for ever (poll(2)).</summary>
    /// <returns>Whether any is ready; <see cref="PollEntry.Ready"/> tells which. A signal counts as nothing being ready.</returns>
    public static bool Poll(Span<PollEntry> entries, int timeout)
    {
        int result;
        fixed (PollEntry* pointer = entries) result = poll(pointer, (nuint)entries.Length, timeout);
        if (Check.Interrupted(result))
        {
            foreach (ref PollEntry entry in entries) entry.Ready = 0;
            return false;
        }
        return Check.Result(result, "poll") > 0;
    }

    /// <summary>Waits for one descriptor to be readable (a pidfd: the process has ended).</summary>
    /// <returns>Whether it was within <paramref name="timeout"/> milliseconds, -1 for ever.</returns>
    public static bool WaitReadable(Descriptor file, int timeout)
    {
        long end = Environment.TickCount64 + timeout;
        Span<PollEntry> entries = [new PollEntry(file, POLLIN)];
        while (true)
        {
            int left = timeout < 0 ? -1 : (int)Math.Max(0, end - Environment.TickCount64);
            if (Poll(entries, left)) return true;
            if (left == 0) return false;
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int pipe2(int* ends, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socketpair(int domain, int type, int protocol, int* ends);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int memfd_create(string name, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int file, int command, nint argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll(PollEntry* entries, nuint count, int timeout);
}

/// <summary>One descriptor to wait on (struct pollfd of poll(2)).</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PollEntry
{
    private readonly int _descriptor;
    private readonly short _events;

    /// <summary>What it is ready for: POLLIN, POLLOUT, POLLHUP, POLLERR.</summary>
    public short Ready;

    /// <summary>Waits on <paramref name="file"/>, null for a place that is left out, for <paramref name="events"/>.</summary>
    public PollEntry(Descriptor? file, short events)
    {
        _descriptor = file?.Number ?? -1;
        _events = events;
    }
}
