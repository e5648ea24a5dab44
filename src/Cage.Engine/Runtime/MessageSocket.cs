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

    /// <param name="content">The content.</param>
    /// <param name="attached">What is handed over with it.</param>
    public void Send(ReadOnlySpan<byte> content, Descriptor? attached = null)
    {
        byte[] message = new byte[content.Length + 4];
        BinaryPrimitives.WriteInt32LittleEndian(message, content.Length);
        content.CopyTo(message.AsSpan(4));
        int sent = attached is null ? 0 : Channels.Send(socket, message, attached);
        Files.Write(socket, message.AsSpan(sent));
    }

    /// <summary>The next message; null when the other side is gone.</summary>
    public byte[]? Receive()
    {
        byte[]? content = Receive(out Descriptor? attached);
        attached?.Dispose();
        return content;
    }

    /// <summary>The next message and what came with it; null when the other side is gone.</summary>
    public byte[]? Receive(out Descriptor? attached)
    {
        byte[] length = new byte[4];
        attached = null;
        if (!Fill(length, ref attached)) return null;
        int size = BinaryPrimitives.ReadInt32LittleEndian(length);
        if (size is < 0 or > SizeLimit) throw new LinuxException(Errno.EINVAL, "read", "a message");
        byte[] content = new byte[size];
        return Fill(content, ref attached) ? content : null;
    }

    private bool Fill(Span<byte> buffer, ref Descriptor? attached)
    {
        try
        {
            while (!buffer.IsEmpty)
            {
                int count = Channels.Receive(socket, buffer, out Descriptor? came);
                attached ??= came;
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
