using Cage.Engine.Plans;
using Cage.Interop;

namespace Cage.Engine.Runtime;

/// <summary>The messages between the host's side and a cage's init, over one stream socket.
/// <code>
///   host                                init
///    │  the inside steps of a plan        │   an end of file instead: the host's side died, init exits, nothing was done
///    │  around the root                   │
///    ├───────────────────────────────────►│   carries out those before it, readies those after it
///    │  the step that mounts the root     │   an end of file instead: as above
///    ├───────────────────────────────────►│
///    │                                    │   carries it and the others out, or unwinds them all
///    │  ready, or the step that failed    │
///    │◄───────────────────────────────────┤
///    ┴  (both close)                      ┴
/// </code></summary>
internal sealed class StageChannel(Descriptor socket) : IDisposable
{
    private readonly MessageSocket _socket = new(socket);

    public void SendAround(StepsAroundRoot around)
    {
        WireWriter wire = new();
        foreach (IReadOnlyList<PortableStep> steps in (ReadOnlySpan<IReadOnlyList<PortableStep>>)[around.Before, around.After])
        {
            wire.Number(steps.Count);
            foreach (PortableStep step in steps) StepCodec.Write(wire, step);
        }
        _socket.Send(wire.Bytes);
    }

    /// <summary>Null when the host's side is gone.</summary>
    public StepsAroundRoot? ReceiveAround()
    {
        if (_socket.Receive() is not byte[] message) return null;
        WireReader wire = new(message);
        PortableStep[] before = Steps(ref wire), after = Steps(ref wire);
        return new StepsAroundRoot(before, after);
    }

    /// <param name="root">The step.</param>
    /// <param name="prepared">What the host's side has made for it.</param>
    public void SendRoot(PortableStep root, Descriptor? prepared)
    {
        WireWriter wire = new();
        StepCodec.Write(wire, root);
        _socket.Send(wire.Bytes, prepared);
    }

    /// <summary>The step, and what the host's side has made for it; null when the host's side is gone.</summary>
    public PortableStep? ReceiveRoot(out Descriptor? prepared)
    {
        if (_socket.Receive(out prepared) is not byte[] message) return null;
        WireReader wire = new(message);
        return StepCodec.Read(ref wire);
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

    private static PortableStep[] Steps(ref WireReader wire)
    {
        PortableStep[] steps = new PortableStep[wire.Number()];
        for (int i = 0; i < steps.Length; i++) steps[i] = StepCodec.Read(ref wire);
        return steps;
    }
}
