using System.Globalization;
using System.Net;
using System.Text;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Network;

/// <summary>A Jail's private network as the host has it: one end of a veth(4) pair, a route to the cage's address, and a table of nft(8) of
/// its own, named after its id. The interface goes with the cage's network namespace; the table with a stop, or with the next start.</summary>
/// <param name="id">The cage's id.</param>
internal sealed class PrivateNetwork(Guid id)
{
    /// <summary>How all our interfaces begin; the kernel takes 15 bytes.</summary>
    private const string Prefix = "cage", TablePrefix = "cage_";

    private const int NameLength = 15;

    /// <summary>The host's end of the pair.</summary>
    public string Interface { get; } = string.Concat(Prefix, id.ToString("N").AsSpan(0, NameLength - Prefix.Length));

    private string Table { get; } = $"{TablePrefix}{id:N}";

    /// <summary>Whether anything of it is there.</summary>
    public bool Exists => Interfaces().Contains(Interface) || (NetworkTool.IsThere("nft") && NetworkTool.Run(["nft", "list", "table", "ip", Table]).Status == 0);

    /// <summary>The addresses that lead to cages now, with the interface that each is behind, from the host's own routes.</summary>
    public static IEnumerable<(string Address, string Interface)> Routes() =>
        from line in File.ReadLines("/proc/thread-self/net/route").Skip(1)
        let fields = line.Split('\t')
        // proc_net(5): interface, destination (hexadecimal, in the machine's order), …
        where fields[0].Length == NameLength && fields[0].StartsWith(Prefix, StringComparison.Ordinal)
        select (new IPAddress(uint.Parse(fields[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToString(), fields[0]);

    /// <summary>The ports that lead to cages now, with the id of each, from the rules that are in force.</summary>
    public static IEnumerable<(Guid Id, PublishedPort Port)> Published()
    {
        HashSet<string> there = Interfaces();
        foreach (string name in Tables())
        {
            Guid id = Guid.ParseExact(name[TablePrefix.Length..], "N");
            if (!there.Contains(new PrivateNetwork(id).Interface)) continue;
            // "fib daddr type local tcp dport 8080 dnat to 10.77.0.2:80", or "ip daddr 192.0.2.1 tcp dport …", as the chain "in" has them.
            foreach (string line in NetworkTool.Run(["nft", "-n", "list", "chain", "ip", name, "in"]).Output.Split('\n'))
                if (line.Trim().Split(' ') is [.. string[] before, "tcp" or "udp", "dport", string port, "dnat", "to", string to] words && to.Split(':') is [_, string inside])
                    yield return (id, new PublishedPort(before is ["ip", "daddr", string address] ? address : null, ushort.Parse(port, CultureInfo.InvariantCulture), ushort.Parse(inside, CultureInfo.InvariantCulture), words[^6]));
        }
    }

    /// <summary>Joins the network of a cage's init with the host's.</summary>
    /// <param name="network">What it is to be; it has an address.</param>
    /// <param name="gateway">The host's address on its end.</param>
    /// <param name="allowed">The addresses that may reach it.</param>
    /// <param name="resolver">A name server on the host's loopback that the cage asks as <paramref name="gateway"/>; null for none.</param>
    /// <param name="pid">The init's number.</param>
    /// <param name="init">The init.</param>
    public void Connect(CageNetwork network, string gateway, IReadOnlyList<string> allowed, string? resolver, int pid, Descriptor init)
    {
        Sweep();
        NetworkTool.Do("making the interfaces", ["ip", "-batch", "-"], $"""
            link add name {Interface} type veth peer name eth0 netns {pid}
            address add {gateway}/32 dev {Interface}
            """);
        // Before it is up: no other way than by its IPv4 address leads to the host.
        Set("ipv6", "disable_ipv6", "1");
        if (network.Ports.Count > 0 || resolver is not null) Set("ipv4", "route_localnet", "1");
        NetworkTool.Do("setting the rules", ["nft", "-f", "-"], Rules(network, gateway, allowed, resolver));
        NetworkTool.Do("setting the cage's address", ["ip", "-batch", "-"], $"""
            address add {network.Address}/32 dev eth0
            link set eth0 up
            route add {gateway} dev eth0 scope link
            route add default via {gateway} dev eth0
            """, init);
        NetworkTool.Do($"setting the route to {network.Address}", ["ip", "-batch", "-"], $"""
            link set {Interface} up
            route add {network.Address}/32 dev {Interface} src {gateway}
            """);
    }

    /// <summary>Takes all of it away; what is not there is fine.</summary>
    public void Disconnect()
    {
        if (Interfaces().Contains(Interface)) NetworkTool.Run(["ip", "link", "delete", "dev", Interface]);
        if (NetworkTool.IsThere("nft")) NetworkTool.Run(["nft", "delete", "table", "ip", Table]);
    }

    /// <summary>Takes away the tables of cages whose interface is gone: they were killed and never stopped.</summary>
    private static void Sweep()
    {
        HashSet<string> there = Interfaces();
        foreach (string table in Tables())
            if (!there.Contains(new PrivateNetwork(Guid.ParseExact(table[TablePrefix.Length..], "N")).Interface)) NetworkTool.Run(["nft", "delete", "table", "ip", table]);
    }

    /// <summary>The names of all our tables.</summary>
    private static IEnumerable<string> Tables() =>
        from line in NetworkTool.Run(["nft", "list", "tables", "ip"]).Output.Split('\n')
        let name = line.Split(' ') is ["table", "ip", string table] ? table : ""
        where name.StartsWith(TablePrefix, StringComparison.Ordinal) && Guid.TryParseExact(name.AsSpan(TablePrefix.Length), "N", out _)
        select name;

    /// <summary>The interfaces of our own network namespace; /sys would show those of whoever mounted it.</summary>
    private static HashSet<string> Interfaces() =>
        [.. File.ReadLines("/proc/thread-self/net/dev").Where(line => line.Contains(':')).Select(line => line[..line.IndexOf(':')].Trim())];

    private void Set(string family, string key, string value)
    {
        using Descriptor? file = Files.TryOpen($"/proc/sys/net/{family}/conf/{Interface}/{key}", Files.O_WRONLY);
        if (file is not null) Files.Write(file, Encoding.ASCII.GetBytes(value));
    }

    private string Rules(CageNetwork network, string gateway, IReadOnlyList<string> allowed, string? resolver)
    {
        string to = network.Address!;
        string ports = string.Concat(network.Ports.Select(port =>
            $"        {(port.Address is null ? "fib daddr type local" : $"ip daddr {port.Address}")} {port.Protocol} dport {port.HostPort} dnat to {to}:{port.CagePort}\n"));
        string ask = resolver is null ? "" : $"        iifname \"{Interface}\" ip daddr {gateway} meta l4proto {{ tcp, udp }} th dport 53 dnat to {resolver}\n";
        string accept = allowed.Count == 0 ? "" : $"        oifname \"{Interface}\" ip saddr {{ {string.Join(", ", allowed)} }} accept\n";
        return $$"""
            table ip {{Table}}
            delete table ip {{Table}}
            table ip {{Table}} {
                chain honest {
                    type filter hook prerouting priority raw; policy accept;
                    iifname "{{Interface}}" ip saddr != {{to}} drop
                    iifname "{{Interface}}" ip daddr 127.0.0.0/8 drop
                }
                chain in {
                    type nat hook prerouting priority dstnat; policy accept;
            {{ports}}{{ask}}    }
                chain local {
                    type nat hook output priority -100; policy accept;
            {{ports}}    }
                chain out {
                    type nat hook postrouting priority srcnat; policy accept;
                    ip saddr {{to}} oifname != "{{Prefix}}*" masquerade
                    oifname "{{Interface}}" ip saddr { 127.0.0.0/8, {{to}} } masquerade
                }
                chain reach {
                    type filter hook forward priority filter; policy accept;
                    oifname "{{Interface}}" ct state established,related accept
                    oifname "{{Interface}}" ct status dnat accept
            {{accept}}        oifname "{{Interface}}" drop
                }
                chain host {
                    type filter hook input priority filter; policy accept;
                    iifname "{{Interface}}" ct state established,related accept
                    iifname "{{Interface}}" ct status dnat accept
                    iifname "{{Interface}}" icmp type echo-request accept
                    iifname "{{Interface}}" drop
                }
            }

            """;
    }
}
