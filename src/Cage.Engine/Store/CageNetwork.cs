using System.Net;
using System.Net.Sockets;

namespace Cage.Engine.Store;

/// <summary>Which network a cage has (key <c>network</c>).</summary>
public enum NetworkMode
{
    /// <summary>The host's own.</summary>
    Host,

    /// <summary>One of its own with nothing in it but the loopback interface; a Jail only.</summary>
    None,

    /// <summary>One of its own, joined with the host's by a pair of interfaces, behind its address; a Jail only.</summary>
    Private,
}

/// <summary>A cage's network.</summary>
public sealed record CageNetwork
{
    /// <summary>The host's own.</summary>
    public static readonly CageNetwork Host = new();

    /// <summary>What is wrong with an IPv6 address wherever one is given.</summary>
    internal const string NoIPv6 = "it is an IPv6 address, and private networks have IPv4 alone (docs/network.md)";

    /// <summary>Which kind.</summary>
    public NetworkMode Mode { get; init; }

    /// <summary>The IPv4 address of a private one; given, or the first that is free in the store's pool.</summary>
    public string? Address { get; init; }

    /// <summary>Ports of the host that lead into a private one.</summary>
    public IReadOnlyList<PublishedPort> Ports { get; init; } = [];

    /// <summary>Who may reach a private one directly: ids of cages, or addresses of networks such as 192.168.0.0/16.</summary>
    public IReadOnlyList<string> AllowedFrom { get; init; } = [];

    /// <summary>Whether both say the same.</summary>
    public bool IsSameAs(CageNetwork other) =>
        other is not null && Mode == other.Mode && Address == other.Address && Ports.SequenceEqual(other.Ports) && AllowedFrom.SequenceEqual(other.AllowedFrom);

    /// <summary>The kind, address and ports.</summary>
    public override string ToString() => string.Join(' ', new[] { Mode.Word(), Address }.Where(text => text is not null).Concat(Ports.Select(port => port.ToString())));

    /// <summary>Says what is wrong with it; null when nothing is.</summary>
    public string? Problem(CageIsolation isolation) =>
        Mode != NetworkMode.Host && isolation != CageIsolation.Jail ? "only a Jail has a network of its own"
        : Mode != NetworkMode.Private && (Address is not null || Ports.Count > 0 || AllowedFrom.Count > 0) ? "address, publish and allowfrom go with the private network only"
        : Address?.Contains(':') == true ? $"\"{Address}\" is not to be had: {NoIPv6}"
        : Address is not null && !IsUsable(Address) ? $"\"{Address}\" is not an IPv4 address that a host can have"
        : null;

    /// <summary>Whether a word for who may reach a cage is meant as an address or a network, and not as a cage.</summary>
    public static bool IsAddress(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Contains(':') || (text.Contains('.') && char.IsAsciiDigit(text[0]));
    }

    /// <summary>Understands who may reach a cage: an id, an address, or an address with the length of its network.</summary>
    /// <exception cref="FormatException">It is none of these.</exception>
    public static string ParseAllowed(string text)
    {
        if (Guid.TryParseExact(text, "D", out Guid id)) return id.ToString("D");
        if (IPNetwork.TryParse(text.Contains('/') ? text : $"{text}/32", out IPNetwork network) && network.BaseAddress.AddressFamily == AddressFamily.InterNetwork && network.BaseAddress.ToString() == text.Split('/')[0]) return text;
        throw new FormatException(text.Contains(':') ? NoIPv6 : "it is neither a cage nor an IPv4 address or network, such as 192.168.0.0/16");
    }

    internal static CageNetwork From(ConfFile file, CageIsolation isolation, int mode)
    {
        // The common case costs four looks at the file and nothing else.
        if (mode == 0 && file.Value("address") is null && !file.Values("publish").Any() && !file.Values("allowfrom").Any()) return Host;
        CageNetwork network = new()
        {
            Mode = (NetworkMode)mode,
            Address = file.Value("address"),
            Ports = CageRecord.Parsed(file, "publish", PublishedPort.Parse),
            AllowedFrom = CageRecord.Parsed(file, "allowfrom", ParseAllowed),
        };
        return network.Problem(isolation) is string problem ? throw file.Invalid("network", $"is {network.Mode.Word()}: {problem}") : network;
    }

    internal void WriteTo(ConfFile file)
    {
        if (Mode != NetworkMode.Host || file.Value("network") is not null) file.Set("network", Mode.Word());
        if (file.Value("address") != Address) file.Set("address", Address);
        if (!CageRecord.Parsed(file, "publish", PublishedPort.Parse).SequenceEqual(Ports)) file.Set("publish", [.. Ports.Select(port => port.ToString())]);
        if (!CageRecord.Parsed(file, "allowfrom", ParseAllowed).SequenceEqual(AllowedFrom)) file.Set("allowfrom", AllowedFrom);
    }

    /// <summary>Four numbers with dots: .NET takes "1" and "0x7f.1" too.</summary>
    internal static bool IsWritten(string text) => text.Split('/')[0].Split('.') is { Length: 4 } parts && parts.All(part => part.Length is > 0 and <= 3 && part.All(char.IsAsciiDigit));

    private static bool IsUsable(string text) =>
        IsWritten(text) && IPAddress.TryParse(text, out IPAddress? address) && address.GetAddressBytes() is [not (0 or 127 or >= 224), ..];
}

/// <summary>A port of the host that leads into a cage: <c>[ADDRESS:]PORT:PORT[/udp]</c>, the host's first.</summary>
/// <param name="Address">The host's address that it is for; null for all.</param>
/// <param name="HostPort">The host's port.</param>
/// <param name="CagePort">The cage's port.</param>
/// <param name="Protocol">tcp or udp.</param>
public sealed record PublishedPort(string? Address, ushort HostPort, ushort CagePort, string Protocol)
{
    /// <summary>Understands one as it is written.</summary>
    /// <exception cref="FormatException">With what is wrong with it.</exception>
    public static PublishedPort Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Contains('[') || text.Contains("::", StringComparison.Ordinal)) throw new FormatException(CageNetwork.NoIPv6);
        string[] halves = text.Split('/');
        string[] parts = halves[0].Split(':');
        string protocol = halves.Length == 1 ? "tcp" : halves[1];
        if (halves.Length > 2 || protocol is not ("tcp" or "udp") || parts.Length is < 1 or > 3) throw new FormatException("it is not [ADDRESS:]PORT:PORT[/udp]");
        string? address = parts.Length == 3 ? parts[0] : null;
        if (address is not null && (!CageNetwork.IsWritten(address) || !IPAddress.TryParse(address, out _))) throw new FormatException($"\"{address}\" is not an IPv4 address");
        return new PublishedPort(address, Port(parts[^Math.Min(2, parts.Length)]), Port(parts[^1]), protocol);
    }

    /// <summary>As it is written.</summary>
    public override string ToString() => $"{(Address is null ? "" : $"{Address}:")}{HostPort}:{CagePort}{(Protocol == "udp" ? "/udp" : "")}";

    /// <summary>Whether both cannot be at once.</summary>
    internal bool Collides(PublishedPort other) => HostPort == other.HostPort && Protocol == other.Protocol && (Address is null || other.Address is null || Address == other.Address);

    private static ushort Port(string text) => ushort.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out ushort port) && port > 0
        ? port : throw new FormatException($"\"{text}\" is not a port, 1 to 65535");
}
