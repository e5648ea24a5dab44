using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>Handing an open file to another process with what is written to it (unix(7), SCM_RIGHTS).</summary>
public static unsafe partial class Channels
{
    private const int SOL_SOCKET = 1, SCM_RIGHTS = 1, MSG_CMSG_CLOEXEC = 0x40000000, MSG_CTRUNC = 8;

    /// <summary>Writes what goes in one call, and has the other side get a descriptor of the same open file with its first byte (sendmsg(2)).</summary>
    /// <param name="socket">A stream socket between processes of one machine.</param>
    /// <param name="data">What is written; at least one byte.</param>
    /// <param name="attached">What is handed over; it stays open here.</param>
    /// <returns>How much was written.</returns>
    /// <exception cref="LinuxException">EPIPE: the other side is gone. ETOOMANYREFS and the others of sendmsg(2).</exception>
    public static int Send(Descriptor socket, ReadOnlySpan<byte> data, Descriptor attached)
    {
        fixed (byte* bytes = data)
        {
            Rights rights = new() { Length = Rights.Size, Level = SOL_SOCKET, Type = SCM_RIGHTS, Number = attached.Number };
            Vector vector = new() { Base = bytes, Length = (nuint)data.Length };
            Message message = new() { Vectors = &vector, VectorCount = 1, Control = &rights, ControlLength = (nuint)sizeof(Rights) };
            nint count;
            do count = sendmsg(socket.Number, &message, 0);
            while (Check.Interrupted(count));
            return (int)Check.Result((long)count, "sendmsg");
        }
    }

    /// <summary>Reads what is there, and the descriptor that came with it (recvmsg(2)).</summary>
    /// <param name="socket">A stream socket between processes of one machine.</param>
    /// <param name="buffer">Is filled from its beginning.</param>
    /// <param name="attached">Close-on-exec; null where none came.</param>
    /// <returns>How much there was; 0 at the end.</returns>
    /// <exception cref="LinuxException">EMFILE: this process has no number left for it; and those of recvmsg(2).</exception>
    public static int Receive(Descriptor socket, Span<byte> buffer, out Descriptor? attached)
    {
        fixed (byte* bytes = buffer)
        {
            Rights rights = default;
            Vector vector = new() { Base = bytes, Length = (nuint)buffer.Length };
            Message message;
            nint count;
            do
            {
                message = new Message { Vectors = &vector, VectorCount = 1, Control = &rights, ControlLength = (nuint)sizeof(Rights) };
                count = recvmsg(socket.Number, &message, MSG_CMSG_CLOEXEC);
            }
            while (Check.Interrupted(count));
            Check.Result((long)count, "recvmsg");
            if ((message.Flags & MSG_CTRUNC) != 0) throw new LinuxException(Errno.EMFILE, "recvmsg");
            bool came = message.ControlLength >= Rights.Size && rights is { Level: SOL_SOCKET, Type: SCM_RIGHTS };
            attached = came ? new Descriptor(rights.Number) : null;
            return (int)count;
        }
    }

    /// <summary>struct cmsghdr with one descriptor, as 64-bit kernels have it.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Rights
    {
        /// <summary>Without what fills it up to a whole word: CMSG_LEN(4).</summary>
        public const nuint Size = 20;

        public nuint Length;
        public int Level, Type, Number;
    }

    /// <summary>struct iovec.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Vector
    {
        public byte* Base;
        public nuint Length;
    }

    /// <summary>struct msghdr.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Message
    {
        public void* Name;
        public uint NameLength;
        public Vector* Vectors;
        public nuint VectorCount;
        public Rights* Control;
        public nuint ControlLength;
        public int Flags;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint sendmsg(int socket, Message* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recvmsg(int socket, Message* message, int flags);
}
