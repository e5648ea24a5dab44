using System.Text;
using Cage.Interop;

namespace Cage.Engine.Network;

/// <summary>Runs ip(8) and nft(8), which Debian has as iproute2 and nftables: each gets all it has to do at once, on standard input.</summary>
internal static class NetworkTool
{
    private static readonly string[] _folders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin"];

    /// <summary>Whether a tool is there.</summary>
    public static bool IsThere(string tool) => _folders.Any(folder => Files.StatusFollowed($"{folder}/{tool}") is { IsRegular: true });

    /// <exception cref="CageException">CageKernelUnsupported: it is not installed.</exception>
    public static void Require(string tool, string package)
    {
        if (!IsThere(tool))
            throw new CageException(CageError.CageKernelUnsupported, $"A private network needs {tool}, which is not installed (ENOENT).", $"On Debian: apt-get install {package}.", tool);
    }

    /// <summary>Runs one to its end.</summary>
    /// <param name="arguments">The tool and its arguments.</param>
    /// <param name="input">What it reads.</param>
    /// <param name="inside">A process whose network namespace it runs in; null for ours.</param>
    /// <returns>Its exit status and what it wrote on both streams.</returns>
    public static (int Status, string Output) Run(IReadOnlyList<string> arguments, string input = "", Descriptor? inside = null)
    {
        using Descriptor given = Channels.SealedMemory("input", Encoding.UTF8.GetBytes(input));
        using Descriptor start = Files.Open(given.ProcPath, Files.O_RDONLY);
        (Descriptor read, Descriptor write) = Channels.Pipe();
        using (read)
        {
            SpawnedProcess process;
            using (write)
                process = Spawn.Start(new SpawnRequest
                {
                    Candidates = [.. _folders.Select(folder => $"{folder}/{arguments[0]}")],
                    Arguments = arguments,
                    Environment = ["LC_ALL=C"],
                    Descriptors = [start, write, write],
                    JoinProcess = inside,
                    Join = Spawn.CLONE_NEWNET,
                });
            using (process)
            {
                string output = Encoding.UTF8.GetString(Files.ReadAll(read));
                return (Processes.Wait(process.Id).ExitStatus, output);
            }
        }
    }

    /// <summary>Runs one that must succeed.</summary>
    /// <exception cref="CageException">CageNetworkFailed with what it said.</exception>
    public static void Do(string what, IReadOnlyList<string> arguments, string input, Descriptor? inside = null)
    {
        (int status, string output) = Run(arguments, input, inside);
        if (status != 0) throw new CageException(CageError.CageNetworkFailed, $"{what}: {arguments[0]} ended with {status}: {output.Trim()}", "ip address, ip route and nft list ruleset show what is there.");
    }
}
