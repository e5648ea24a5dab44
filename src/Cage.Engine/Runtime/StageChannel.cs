using System.Buffers.Binary;
using Cage.Engine.Plans;
using Cage.Interop;

namespace Cage.Engine.Runtime;

/// <summary>The messages between the host's side and a cage's init, over one stream socket. Each is its length (32 bits) and its content.
/// <code>
///   host                                init
///    │  steps, the inside ones of a plan  │   an end of file instead: the host's side died, init exits, nothing was done
///    ├───────────────────────────────────►│
///    │                                    │   carries them out, or unwinds them
///    │  ready, or the step that failed    │
///    │◄───────────────────────────────────┤
///    ┴  (both close)                      ┴
/// </code></summary>
internal sealed class StageChannel(Descriptor socket) : IDisposable
{
    private const int SizeLimit = 1 << 22;

    public void SendSteps(IEnumerable<Step> steps)
    {
        WireWriter wire = new();
        PortableStep[] portable = [.. steps.Cast<PortableStep>()];
        wire.Number(portable.Length);
        foreach (PortableStep step in portable) StepCodec.Write(wire, step);
        Send(wire.Bytes);
    }

    /// <summary>The steps; null when the host's side is gone.</summary>
    public IReadOnlyList<PortableStep>? ReceiveSteps()
    {
        byte[]? message = Receive();
        if (message is null) return null;
        WireReader wire = new(message);
        PortableStep[] steps = new PortableStep[wire.Number()];
        for (int i = 0; i < steps.Length; i++) steps[i] = StepCodec.Read(ref wire);
        return steps;
    }

    public void SendReady() => Send(new WireWriter().Number(-1).Bytes);

    public void SendFailure(StepException failure) =>
        Send(new WireWriter().Number(failure.Index).Number(failure.Cause.Number).Text(failure.Cause.Operation).Text(failure.Cause.Target).Text(failure.Cause.Detail).Bytes);

    /// <summary>Waits until the init has carried its steps out.</summary>
    /// <param name="steps">The plan's steps.</param>
    /// <param name="first">The first of those that were sent.</param>
    /// <exception cref="StepException">The step that failed there.</exception>
    public void ReceiveOutcome(IReadOnlyList<Step> steps, int first)
    {
        byte[] message = Receive() ?? throw new StepException(steps[first], new LinuxException(Errno.EPIPE, "init", detail: "it ended before it was ready"), first);
        WireReader wire = new(message);
        int index = (int)wire.Number();
        if (index < 0) return;
        LinuxException cause = new((int)wire.Number(), wire.Text(), wire.OptionalText(), wire.OptionalText());
        throw new StepException(steps[first + index], cause, first + index);
    }

    public void Dispose() => socket.Dispose();

    private void Send(ReadOnlySpan<byte> content)
    {
        byte[] message = new byte[content.Length + 4];
        BinaryPrimitives.WriteInt32LittleEndian(message, content.Length);
        content.CopyTo(message.AsSpan(4));
        Files.Write(socket, message);
    }

    private byte[]? Receive()
    {
        byte[] length = new byte[4];
        if (!Fill(length)) return null;
        int size = BinaryPrimitives.ReadInt32LittleEndian(length);
        if (size is < 0 or > SizeLimit) throw new LinuxException(Errno.EINVAL, "read", "a stage's message");
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
