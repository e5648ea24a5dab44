using System.Buffers.Binary;
using Cage.Interop;

namespace Cage.Engine.Runtime;

/// <summary>Messages over a stream socket to another process of ours: each is its length (32 bits) and its content.</summary>
internal sealed class MessageSocket(Descriptor socket) : IDisposable
{
    private const int SizeLimit = 1 << 22;

    public void Dispose() => socket.Dispose();

    /// <summary>Whether something came, or the other side ended, within so many milliseconds.</summary>
    public bool Wait(int timeout) => Channels.WaitReadable(socket, timeout);

    public void Send(ReadOnlySpan<byte> content)
    {
        byte[] message = new byte[content.Length + 4];
        BinaryPrimitives.WriteInt32LittleEndian(message, content.Length);
        content.CopyTo(message.AsSpan(4));
        Files.Write(socket, message);
    }

    /// <summary>The next message; null when the other side is gone.</summary>
    public byte[]? Receive()
    {
        byte[] length = new byte[4];
        if (!Fill(length)) return null;
        int size = BinaryPrimitives.ReadInt32LittleEndian(length);
        if (size is < 0 or > SizeLimit) throw new LinuxException(Errno.EINVAL, "read", "a message");
        byte[] content = new byte[size];
        return Fill(content) ? content : null;
    }

    private bool Fill(Span<byte> buffer)
    {
        try
        {
            while (!buffer.IsEmpty)
            {
                int count = Files.Read(socket, buffer);
                if (count == 0) return false;
                buffer = buffer[count..];
            }
            return true;
        }
        catch (LinuxException e) when (e.Name == "ECONNRESET")
        {
            return false;
        }
    }
}
