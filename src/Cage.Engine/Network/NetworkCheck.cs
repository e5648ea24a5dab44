using System.Globalization;
using System.Net;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Network;

/// <summary>What a start with a private network refuses before anything is done, each with what to do instead.</summary>
internal static class NetworkCheck
{
    private const string Listening = "0A", Unconnected = "07", Mapped = "0000000000000000FFFF0000";

    public static void Refuse(CageStore store, CageRecord record)
    {
        if (record.Network.Mode != NetworkMode.Private) return;
        NetworkTool.Require("ip", "iproute2");
        NetworkTool.Require("nft", "nftables");
        if (record.Network.Address is null)
            throw Problem(record, "its private network has no address", $"{Face.Call($"cage set {record.Name} --network private", $"Set-Cage {record.Name} -Network Private")} gives it one.");
        if (!Forwards(record))
            throw Problem(record, "the host does not forward packets, so nothing could pass between it and the cage's network (net.ipv4.ip_forward is 0)", "sysctl -w net.ipv4.ip_forward=1; a file in /etc/sysctl.d keeps it. The host then routes between all its networks: look at its firewall first.");
        foreach (PublishedPort port in record.Network.Ports) RefusePort(store, record, port);
    }

    private static bool Forwards(CageRecord record)
    {
        const string Setting = "/proc/sys/net/ipv4/ip_forward";
        using Descriptor file = Files.TryOpen(Setting, Files.O_RDONLY) ?? throw Problem(record, $"{Setting}, which says whether the host forwards packets, is not there (ENOENT)", "Is /proc mounted with subset=pid, or IPv4 switched off?");
        return Files.ReadAll(file)[0] != '0';
    }

    /// <summary>The addresses behind <see cref="CageNetwork.AllowedFrom"/>.</summary>
    public static IReadOnlyList<string> Allowed(CageStore store, CageRecord record) => [.. record.Network.AllowedFrom.Select(from => !Guid.TryParse(from, out Guid id) ? from
        : store.Get(id)?.Network.Address ?? throw Problem(record, $"allowfrom names {from}, which is no cage with a private network", $"{Face.Call($"cage set {record.Name} --allow-from", $"Set-Cage {record.Name} -AllowFrom")} says anew who may reach it."))];

    private static void RefusePort(CageStore store, CageRecord record, PublishedPort port)
    {
        foreach (var (id, published) in PrivateNetwork.Published())
            if (id != record.Id && published.Collides(port))
                throw Problem(record, $"port {port} is published by {(store.Get(id) is CageRecord other ? $"\"{other.Name}\"" : $"{id}, a cage that is not kept or of another store")} (EADDRINUSE)", "Publish another one, or stop that cage.");
        if (IsTaken(port))
            throw Problem(record, $"a process of the host listens on port {port.HostPort}/{port.Protocol} (EADDRINUSE)", "Publish another one; ss -lntup names who has it.");
    }

    /// <summary>Lines of /proc/net/tcp and udp (proc_net(5)): "sl local_address rem_address st …", the port in hexadecimal.</summary>
    private static bool IsTaken(PublishedPort port)
    {
        string wanted = port.HostPort.ToString("X4", CultureInfo.InvariantCulture), state = port.Protocol == "tcp" ? Listening : Unconnected;
        return new[] { port.Protocol, $"{port.Protocol}6" }.Select(name => $"/proc/thread-self/net/{name}").Where(File.Exists).SelectMany(path => File.ReadLines(path).Skip(1))
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Any(fields => fields[1].Split(':') is [string address, string number] && number == wanted && fields[3] == state && Meets(port, address));
    }

    /// <summary>Whether who listens on an address (hexadecimal, each 32 bits of it in the machine's order) listens on one that is published: any, or the very same.</summary>
    private static bool Meets(PublishedPort port, string address)
    {
        if (address.All(digit => digit == '0')) return true;
        bool isPlain = address.Length == 8;
        // Another IPv6 address is none of ours, unless it is an IPv4 one in disguise (ipv6(7)).
        if (!isPlain && !address.StartsWith(Mapped, StringComparison.Ordinal)) return false;
        return port.Address is null || BitConverter.ToUInt32(IPAddress.Parse(port.Address).GetAddressBytes()).ToString("X8", CultureInfo.InvariantCulture) == address[^8..];
    }

    private static CageException Problem(CageRecord record, string what, string advice) => new(CageError.CageNetworkFailed, $"\"{record.Name}\" was not started: {what}.", advice, record.Name);
}
