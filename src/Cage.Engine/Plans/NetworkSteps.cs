using Cage.Engine.Network;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Plans;

/// <summary>Joins the cage's network with the host's: a pair of interfaces, a route, and rules of its own.</summary>
internal sealed record ConnectNetwork(Guid Id, CageNetwork Network, string Gateway, IReadOnlyList<string> Allowed, string? Resolver) : Step
{
    public override string Action
    {
        get
        {
            string ports = string.Concat(Network.Ports.Select(port => $", publish {port}")), allowed = Allowed.Count == 0 ? "" : $", reachable from {string.Join(' ', Allowed)}";
            return $"make its network {Network.Address} by way of {Gateway}, with rules of its own{ports}{allowed}";
        }
    }

    public override string Target => new PrivateNetwork(Id).Interface;

    public override string UndoAction => "take its interfaces and rules away";

    internal override CageError Failure => CageError.CageNetworkFailed;

    internal override void Do(StepContext context)
    {
        PrivateNetwork network = new(Id);
        network.Disconnect();
        SpawnedProcess init = context.Host!.Init!;
        network.Connect(Network, Gateway, Allowed, Resolver, init.Id, init.Handle);
    }

    internal override void Undo(StepContext context) => new PrivateNetwork(Id).Disconnect();
}

/// <summary>Takes the host's side of the cage's network away.</summary>
internal sealed record DisconnectNetwork(Guid Id) : Step
{
    public override string Action => "take its interfaces and rules away";

    public override string Target => new PrivateNetwork(Id).Interface;

    internal override void Do(StepContext context) => new PrivateNetwork(Id).Disconnect();
}

/// <summary>Turns the loopback interface of a network of its own on.</summary>
internal sealed record RaiseLoopback : PortableStep
{
    public override string Action => "turn the loopback interface on";

    public override string Target => "lo";

    internal override CageError Failure => CageError.CageNetworkFailed;

    internal override void Do(StepContext context) => NetworkInterfaces.Raise("lo");

    internal override void Write(WireWriter wire)
    {
    }

    public static PortableStep Read(ref WireReader wire) => new RaiseLoopback();
}
