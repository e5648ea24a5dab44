using Cage.Engine.Plans;
using Cage.Interop;

namespace Cage.Engine.Runtime;

/// <summary>The messages between the host's side and a cage's init, over one stream socket.
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
    private readonly MessageSocket _socket = new(socket);

    /// <param name="steps">The steps.</param>
    /// <param name="prepared">What the host's side has made for one of them.</param>
    public void SendSteps(IEnumerable<PortableStep> steps, Descriptor? prepared)
    {
        WireWriter wire = new();
        PortableStep[] portable = [.. steps];
        wire.Number(portable.Length);
        foreach (PortableStep step in portable) StepCodec.Write(wire, step);
        _socket.Send(wire.Bytes, prepared);
    }

    /// <summary>The steps, and what the host's side has made for one of them; null when the host's side is gone.</summary>
    public IReadOnlyList<PortableStep>? ReceiveSteps(out Descriptor? prepared)
    {
        byte[]? message = _socket.Receive(out prepared);
        if (message is null) return null;
        WireReader wire = new(message);
        PortableStep[] steps = new PortableStep[wire.Number()];
        for (int i = 0; i < steps.Length; i++) steps[i] = StepCodec.Read(ref wire);
        return steps;
    }

    public void SendReady() => _socket.Send(new WireWriter().Number(-1).Bytes);

    public void SendFailure(int index, LinuxException cause) =>
        _socket.Send(new WireWriter().Number(index).Number(cause.Number).Text(cause.Operation).Text(cause.Target).Text(cause.Detail).Bytes);

    /// <summary>Waits until the init has carried its steps out.</summary>
    /// <param name="steps">The plan's steps.</param>
    /// <param name="first">The first of those that were sent.</param>
    /// <param name="init">The init, to be asked how it ended where it says nothing.</param>
    /// <exception cref="StepException">The step that failed there.</exception>
    public void ReceiveOutcome(IReadOnlyList<Step> steps, int first, SpawnedProcess init)
    {
        byte[] message = _socket.Receive() ?? throw new StepException(steps[first], new LinuxException(Errno.EPIPE, "init", detail: $"it ended before it was ready, {InitEnd.Describe(init.Id, init.Handle)}"), first);
        WireReader wire = new(message);
        int index = (int)wire.Number();
        if (index < 0) return;
        LinuxException cause = new((int)wire.Number(), wire.Text(), wire.OptionalText(), wire.OptionalText());
        throw new StepException(steps[first + index], cause, first + index);
    }

    public void Dispose() => _socket.Dispose();
}
