namespace Cage.Engine.Exposure;

/// <summary>How much could be done to the host by way of something.</summary>
public enum ExposureRisk
{
    /// <summary>It is seen, or slowed down.</summary>
    Low,

    /// <summary>Some of it is reached, or can be read that should not be.</summary>
    Medium,

    /// <summary>It can be changed, or taken over.</summary>
    High,
}

/// <summary>Something of the host that is reachable from inside a cage.</summary>
/// <param name="Cage">The cage's name.</param>
/// <param name="CageId">The cage's id.</param>
/// <param name="Risk">How much could be done by it to the host.</param>
/// <param name="Kind">Isolation, Namespace, File, Device, Socket, Port, Kernel, Capability, Privilege or Resource.</param>
/// <param name="Item">What it is.</param>
/// <param name="Reason">What somebody inside can do with it.</param>
/// <param name="Remedy">The setting that closes it.</param>
public sealed record CageExposure(string Cage, Guid CageId, ExposureRisk Risk, string Kind, string Item, string Reason, string Remedy);
