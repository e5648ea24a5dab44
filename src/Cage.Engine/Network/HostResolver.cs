using System.Text;
using Cage.Interop;

namespace Cage.Engine.Network;

/// <summary>How the host finds names, and so how its cages do (resolv.conf(5)).</summary>
/// <param name="Path">The file that a cage is to see; null when there is none.</param>
/// <param name="Text">What it is to read in place of that file; null for the file itself.</param>
/// <param name="Loopback">The name server on the host's loopback that it has to be led to; null for none.</param>
internal sealed record HostResolver(string? Path, string? Text = null, string? Loopback = null)
{
    /// <summary>Where systemd-resolved writes the servers that it asks itself.</summary>
    private const string Upstream = "/run/systemd/resolve/resolv.conf";

    /// <summary>None: the cage keeps what it has.</summary>
    public static readonly HostResolver None = new(Path: null);

    /// <summary>The host's own file, behind all links: for cages on the host's network.</summary>
    public static HostResolver Plain() => new(Behind("/etc/resolv.conf"));

    /// <summary>One that works from a network of its own: there the host's loopback is out of reach.</summary>
    public static HostResolver Reachable(string gateway)
    {
        HostResolver plain = Plain();
        if (plain.Path is null) return plain;
        string[] lines = Lines(plain.Path);
        string[] servers = Servers(lines);
        if (!servers.Any(IsLoopback)) return plain;
        if (servers.Any(server => !IsLoopback(server))) return new(plain.Path, Keep(lines, servers.Where(server => !IsLoopback(server))));
        if (Behind(Upstream) is string upstream && Servers(Lines(upstream)) is { Length: > 0 } asked && !asked.Any(IsLoopback)) return new(upstream);
        // Only what is asked by IPv4 can be led there.
        return servers.FirstOrDefault(server => server.StartsWith("127.", StringComparison.Ordinal)) is string loopback ? new(plain.Path, Keep(lines, [gateway]), loopback) : plain;
    }

    private static string Keep(string[] lines, IEnumerable<string> servers) =>
        string.Concat(servers.Select(server => $"nameserver {server}\n").Concat(lines.Where(line => line.Split(' ', '\t')[0] is "search" or "options" or "domain").Select(line => line + "\n")));

    private static string[] Servers(string[] lines) =>
        [.. lines.Select(line => line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)).Where(words => words is ["nameserver", _, ..]).Select(words => words[1])];

    private static bool IsLoopback(string server) => server.StartsWith("127.", StringComparison.Ordinal) || server == "::1";

    private static string[] Lines(string path)
    {
        using Descriptor? file = Files.TryOpen(path, Files.O_RDONLY | Files.O_NONBLOCK);
        return file is null ? [] : Encoding.UTF8.GetString(Files.ReadAll(file)).Split('\n');
    }

    private static string? Behind(string path)
    {
        using Descriptor? file = Files.TryOpen(path, Files.O_PATH);
        return file is null ? null : Files.ReadLink(file.ProcPath);
    }
}
