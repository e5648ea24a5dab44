using System.Collections;
using System.Globalization;
using Cage.Engine.Runtime;
using Cage.Engine.State;
using Cage.Interop;

namespace Cage.Engine.Roots;

/// <summary>Runs a command in a cage under strace(1) and tells what it did with paths. The strace is the host's: the cage needs none.</summary>
/// <param name="cage">The cage, running.</param>
/// <param name="program">The <c>cage</c> program, which enters the cage under the trace.</param>
/// <param name="settings">The file that the store's settings come from; null for the defaults.</param>
internal sealed class CommandTracer(CageInfo cage, string program, string? settings)
{
    /// <summary>Calls that make or remove something: what they do not find is nothing to add.</summary>
    private static readonly string[] _uninteresting = ["symlink", "symlinkat", "mkdir", "mkdirat", "mknod", "mknodat", "unlink", "unlinkat", "rmdir", "getcwd", "chroot", "pivot_root", "mount", "umount2"];

    /// <summary>What is another one in a running cage: the host's files there are none of it.</summary>
    private static readonly string[] _mounted = ["/proc/", "/sys/", "/dev/", "/run/", "/tmp/"];

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(1);

    /// <summary>Runs the command to its end.</summary>
    /// <param name="command">It and its arguments.</param>
    /// <param name="user">As whom; null for root.</param>
    /// <param name="descriptors">Its standard input, output and error.</param>
    /// <param name="cancellation">Ends it, and all that it has started.</param>
    /// <returns>What it did, and the status that it ended with.</returns>
    /// <exception cref="CageException">CageCommandNotFound: there is no strace here.</exception>
    public (IReadOnlyList<CageTrace> Traces, int Status) Run(IReadOnlyList<string> command, string? user, IReadOnlyList<Descriptor> descriptors, CancellationToken cancellation)
    {
        using RootView host = new("/");
        string strace = new CommandPath(host).Find("strace") ??
            throw new CageException(CageError.CageCommandNotFound, "strace: not on this host (ENOENT).", "apt-get install strace.", "strace");
        using Descriptor folder = MakeFolder();
        string[] asUser = user is null ? [] : ["--user", user];
        using SpawnedProcess process = Spawn.Start(new SpawnRequest
        {
            Candidates = [strace],
            Arguments = ["strace", "-ff", "-qq", "-y", "-ttt", "-s", "4096", "-e", "trace=%file,connect", "-e", "signal=none", "-o", $"/proc/self/fd/{descriptors.Count}/t", "--", program, "exec", .. asUser, cage.Id.ToString("D"), "--", .. command],
            Environment = [.. Variables()],
            Descriptors = [.. descriptors, folder],
        });
        int status = Finish(process, cancellation);
        return (Understand($"{folder.ProcPath}/", process.Id) ?? throw new CageException(
            CageError.CageCommandFailed, $"{command[0]} was not started in \"{cage.Name}\" (exit status {status}).", $"{Face.Call("cage exec", "Invoke-Cage")} of the same, as the same user, says why.", command[0]), status);
    }

    /// <summary>A tmpfs that is attached nowhere: when this process and strace have ended, however they do, it is gone.</summary>
    private static Descriptor MakeFolder()
    {
        using Descriptor configuration = Mounts.OpenFileSystem("tmpfs");
        return Mounts.Create(configuration, Mounts.MOUNT_ATTR_NOSUID | Mounts.MOUNT_ATTR_NODEV | Mounts.MOUNT_ATTR_NOEXEC);
    }

    private static int Finish(SpawnedProcess strace, CancellationToken cancellation)
    {
        try
        {
            ProcessWait.For(strace.Handle, Timeout.InfiniteTimeSpan, cancellation);
        }
        catch (OperationCanceledException)
        {
            // All of them: strace lets go of what it traces when it ends.
            ProcessTree.End(strace.Id, _patience);
            Processes.Wait(strace.Id);
            throw;
        }
        return Processes.Wait(strace.Id).ExitStatus;
    }

    private IEnumerable<string> Variables()
    {
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
            if ((string)variable.Key != Store.StoreSettings.FileVariable) yield return $"{variable.Key}={variable.Value}";
        if (settings is not null) yield return $"{Store.StoreSettings.FileVariable}={settings}";
    }

    /// <summary>One file for each thread. Those of <c>cage</c> itself are left out: it executes itself first, and the command is the next that anybody executes;
    /// whoever is there only after that belongs to the command. Null where it came to none.</summary>
    private IReadOnlyList<CageTrace>? Understand(string folder, int strace)
    {
        var threads = Directory.GetFiles(folder)
            .Select(path => new { Id = int.Parse(Path.GetExtension(path)[1..], CultureInfo.InvariantCulture), Lines = File.ReadLines(path).Select(StraceLine.Parse).OfType<StraceLine>().ToArray() })
            .Where(thread => thread.Lines.Length > 0).ToArray();
        int? own = threads.FirstOrDefault(thread => thread.Lines[0] is { Call: "execve", Path: string path } && path == program)?.Id;
        var started = threads.Where(thread => thread.Id != own)
            .Select(thread => new { thread.Id, At = Array.FindIndex(thread.Lines, line => line.Call is "execve" or "execveat"), thread.Lines })
            .Where(thread => thread.At >= 0).OrderBy(thread => thread.Lines[thread.At].Time).ToArray();
        if (started.Length == 0) return null;
        double begin = started[0].Lines[started[0].At].Time;
        int first = started[0].Id;
        HashSet<(string, string, string?, bool)> seen = [];
        List<CageTrace> traces = [];
        foreach (var thread in threads.Where(thread => thread.Id != own && thread.Id != strace && (thread.Id == first || thread.Lines[0].Time >= begin)).OrderBy(thread => thread.Lines[0].Time))
        {
            string? executed = null;
            foreach (StraceLine line in thread.Lines.Where(line => line.Time >= begin))
            {
                if (line.Path is not string path || _uninteresting.Contains(line.Call)) continue;
                path = Inside(path);
                if (line.Call.StartsWith("exec", StringComparison.Ordinal) && line.Errno is null) executed = path;
                if (!IsTold(line) || !seen.Add((path, line.Call, line.Errno, line.Lists))) continue;
                bool onHost = path.StartsWith('/') && ExistsOnHost(path);
                bool missing = onHost && line.Errno is ("ENOENT" or "ENOTDIR") && !_mounted.Any(prefix => $"{path}/".StartsWith(prefix, StringComparison.Ordinal));
                traces.Add(new CageTrace(cage.Name, cage.Id, path, line.Call, line.Errno, thread.Id, executed, onHost, null, missing) { Lists = line.Lists });
            }
        }
        return PackageOwner.Fill(traces);
    }

    /// <summary>What failed, and of what did not, what was opened, executed and connected to.</summary>
    private static bool IsTold(StraceLine line) => line.Errno is not null || line.Call.StartsWith("open", StringComparison.Ordinal) || line.Call.StartsWith("exec", StringComparison.Ordinal) || line.Call == "connect";

    /// <summary>In a Chroot the kernel tells the folder of a relative path as the host sees it.</summary>
    private string Inside(string path) => path.StartsWith(cage.Record.MountPath + "/", StringComparison.Ordinal) ? path[cage.Record.MountPath.Length..] : path;

    private static bool ExistsOnHost(string path)
    {
        try
        {
            return Files.StatusFollowed(path) is not null;
        }
        catch (LinuxException)
        {
            return false;
        }
    }
}
