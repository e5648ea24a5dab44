using Cage.Engine.Plans;
using Cage.Engine.Runtime;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Services;

/// <summary>The two messages between who starts a service and its supervisor.
/// <code>
///   starter                               supervisor
///    │  where the cage is, what to run      │   an end of file instead: the starter died, nothing was done
///    ├─────────────────────────────────────►│
///    │  it is up, or what failed            │
///    │◄─────────────────────────────────────┤   goes on by itself
///    ┴  (both close)                        ┴
/// </code></summary>
internal sealed class ServiceChannel(Descriptor socket) : IDisposable
{
    private readonly MessageSocket _socket = new(socket);

    public void SendOrder(StoreSettings settings, CageRecord cage, ServiceSpec service)
    {
        WireWriter wire = new WireWriter().Text(settings.Data).Text(settings.Run).Text(settings.Tool).Text(cage.Path);
        service.Write(wire);
        _socket.Send(wire.Bytes);
    }

    public (StoreSettings Settings, CageRecord Cage, ServiceSpec Service)? ReceiveOrder()
    {
        if (_socket.Receive() is not byte[] message) return null;
        WireReader wire = new(message);
        StoreSettings settings = new() { Data = wire.Text(), Run = wire.Text(), Tool = wire.Text() };
        CageRecord cage = CageRecord.Read(wire.Text());
        return (settings, cage, ServiceSpec.Read(ref wire));
    }

    public void SendOutcome(CageException? failure) => _socket.Send(failure is null
        ? new WireWriter().Number(-1).Bytes
        : new WireWriter().Number((int)failure.Error).Text(failure.Message).Text(failure.TargetName).Bytes);

    /// <summary>Waits until it is up.</summary>
    /// <exception cref="CageException">What failed.</exception>
    public void ReceiveOutcome(CageRecord cage, CancellationToken cancellation)
    {
        while (!_socket.Wait(100)) cancellation.ThrowIfCancellationRequested();
        byte[] message = _socket.Receive() ?? throw new CageException(
            CageError.CageStartFailed, $"The supervisor of the service of \"{cage.Name}\" ended before the service was up.", $"Its log ({Face.Call("cage log", "Get-CageLog")}) may say why.", cage.Name);
        WireReader wire = new(message);
        int error = (int)wire.Number();
        if (error >= 0) throw new CageException((CageError)error, wire.Text(), target: wire.OptionalText());
    }

    public void Dispose() => _socket.Dispose();
}
