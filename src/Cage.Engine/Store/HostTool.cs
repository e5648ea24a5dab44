using System.Globalization;
using System.Text;
using Cage.Engine.Runtime;
using Cage.Interop;

namespace Cage.Engine.Store;

/// <summary>Programs of the host that do a part of the work better than a second one of ours would: cp(1), ssh-keygen(1), systemctl(1).</summary>
internal static class HostTool
{
    private static readonly TimeSpan _grace = TimeSpan.FromSeconds(2), _hopeless = TimeSpan.FromSeconds(10);

    /// <summary>Runs one to its end, without input, and returns what it said.</summary>
    /// <param name="purpose">What it is for, as a message begins.</param>
    /// <param name="arguments">Its name, then its arguments.</param>
    /// <param name="cancellation">Ends it: by TERM, and soon by KILL.</param>
    /// <exception cref="CageException">CageStoreFailed: it is not there, or failed, with what it said.</exception>
    public static string Run(string purpose, string[] arguments, CancellationToken cancellation = default)
    {
        string name = arguments[0];
        using Descriptor nothing = Files.Open("/dev/null", Files.O_RDWR), output = Channels.Memory(name);
        using SpawnedProcess process = Start(purpose, arguments, [nothing, output, output]);
        try
        {
            ProcessWait.For(process.Handle, Timeout.InfiniteTimeSpan, cancellation);
        }
        catch (OperationCanceledException)
        {
            End(process);
            throw;
        }
        int status = Processes.Wait(process.Id).ExitStatus;
        // From its beginning: what it wrote has moved the place of the one that it had.
        using Descriptor written = Files.Open(output.ProcPath, Files.O_RDONLY);
        string said = Encoding.UTF8.GetString(Files.ReadAll(written)).Trim();
        return status == 0 ? said : throw new CageException(CageError.CageStoreFailed, string.Create(CultureInfo.InvariantCulture, $"{purpose}: {name} ended with {status}: {said}."), target: name);
    }

    private static SpawnedProcess Start(string purpose, string[] arguments, Descriptor[] descriptors)
    {
        string name = arguments[0];
        try
        {
            return Spawn.Start(new SpawnRequest
            {
                Candidates = [$"/usr/bin/{name}", $"/bin/{name}"],
                Arguments = arguments,
                Environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"],
                Descriptors = descriptors,
                // So that a Ctrl+C reaches it by way of us alone.
                NewSession = true,
            });
        }
        catch (SpawnException e)
        {
            throw new CageException(CageError.CageStoreFailed, $"{purpose}: {name}: {e.Message}.", $"Install {name} on the host.", name, e);
        }
    }

    private static void End(SpawnedProcess process)
    {
        Processes.Signal(process.Handle, Processes.SIGTERM);
        if (!ProcessWait.For(process.Handle, _grace, CancellationToken.None)) Processes.Signal(process.Handle, Processes.SIGKILL);
        // One that hangs in the kernel is left to it.
        if (ProcessWait.For(process.Handle, _hopeless, CancellationToken.None)) Processes.Wait(process.Id);
    }
}
