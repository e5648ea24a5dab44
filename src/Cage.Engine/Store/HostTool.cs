using System.Globalization;
using System.Text;
using Cage.Interop;

namespace Cage.Engine.Store;

/// <summary>Programs of the host that do a part of the work better than a second one of ours would: cp(1), ssh-keygen(1), systemctl(1).</summary>
internal static class HostTool
{
    /// <summary>Runs one to its end, without input, and returns what it said.</summary>
    /// <param name="purpose">What it is for, as a message begins.</param>
    /// <param name="arguments">Its name, then its arguments.</param>
    /// <exception cref="CageException">CageStoreFailed: it is not there, or failed, with what it said.</exception>
    public static string Run(string purpose, params string[] arguments)
    {
        string name = arguments[0];
        using Descriptor nothing = Files.Open("/dev/null", Files.O_RDWR);
        (Descriptor read, Descriptor write) = Channels.Pipe();
        using (read)
        {
            SpawnedProcess process;
            using (write)
            {
                try
                {
                    process = Spawn.Start(new SpawnRequest
                    {
                        Candidates = [$"/usr/bin/{name}", $"/bin/{name}"],
                        Arguments = arguments,
                        Environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"],
                        Descriptors = [nothing, write, write],
                    });
                }
                catch (SpawnException e)
                {
                    throw new CageException(CageError.CageStoreFailed, $"{purpose}: {name}: {e.Message}.", $"Install {name} on the host.", name, e);
                }
            }
            using (process)
            {
                string said = Encoding.UTF8.GetString(Files.ReadAll(read)).Trim();
                int status = Processes.Wait(process.Id).ExitStatus;
                return status == 0 ? said : throw new CageException(
                    CageError.CageStoreFailed, string.Create(CultureInfo.InvariantCulture, $"{purpose}: {name} ended with {status}: {said}."), target: name);
            }
        }
    }
}
