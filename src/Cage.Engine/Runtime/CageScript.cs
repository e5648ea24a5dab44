using System.Text;
using Cage.Engine.State;
using Cage.Interop;

namespace Cage.Engine.Runtime;

/// <summary>Runs a cage's start or stop script inside. It comes from the cage's folder, outside the root, so a sealed copy in memory is
/// handed in; what it prints goes to <c>start.log</c> or <c>stop.log</c> beside it, since what it leaves running keeps writing there.</summary>
internal static class CageScript
{
    private const string Handed = "/proc/self/fd/3";
    private const int SizeLimit = 16 << 20, TailLength = 2000, ENOEXEC = 8;

    /// <exception cref="CageException">CageStartFailed when it fails, with the end of what it said; CageStopTimeout when it takes too long, and is killed.</exception>
    public static void Run(CageInfo cage, string path, TimeSpan timeout, CancellationToken cancellation)
    {
        string name = Path.GetFileName(path), logPath = $"{cage.Path}/{name}.log";
        using Descriptor script = Load(cage, path);
        using Descriptor nothing = Files.Open("/dev/null", Files.O_RDONLY);
        using Descriptor log = Files.Open(logPath, Files.O_WRONLY | Files.O_CREAT | Files.O_TRUNC | Files.O_NOFOLLOW, 0x180);
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(timeout);
        int status;
        try
        {
            using SpawnedProcess process = Start(cage, name, [nothing, log, log, script], patience.Token);
            status = Await(process, patience.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new CageException(
                CageError.CageStopTimeout, $"The {name} script of \"{cage.Name}\" took longer than {timeout.TotalSeconds:0} s and was killed.", $"{logPath} has what it said.", cage.Name);
        }
        if (status != 0)
            throw new CageException(CageError.CageStartFailed, $"The {name} script of \"{cage.Name}\" ended with {status}: {Tail(logPath)}", $"{logPath} has all that it said.", cage.Name);
    }

    /// <summary>Its exit status; it is killed when that takes too long.</summary>
    private static int Await(SpawnedProcess process, CancellationToken patience)
    {
        try
        {
            ProcessWait.For(process.Handle, Timeout.InfiniteTimeSpan, patience);
        }
        catch
        {
            Processes.Signal(process.Handle, Processes.SIGKILL);
            Processes.Wait(process.Id);
            throw;
        }
        return Processes.Wait(process.Id).ExitStatus;
    }

    private static Descriptor Load(CageInfo cage, string path)
    {
        try
        {
            using Descriptor file = Files.Open(path, Files.O_RDONLY | Files.O_NONBLOCK);
            return Channels.SealedMemory(Path.GetFileName(path), Files.ReadAll(file, SizeLimit));
        }
        catch (LinuxException e)
        {
            throw new CageException(CageError.CageStartFailed, $"The script {path} of \"{cage.Name}\" cannot be read: {e.Message}.", "cage.conf names it.", cage.Name, e);
        }
    }

    /// <summary>As execvp(3): what is no program and names no interpreter is the shell's.</summary>
    private static SpawnedProcess Start(CageInfo cage, string name, IReadOnlyList<Descriptor> descriptors, CancellationToken patience)
    {
        CageCommand command = new() { Arguments = [Handed], Descriptors = descriptors, Directory = "/", Cancellation = patience };
        try
        {
            return CommandStarter.Start(cage, command);
        }
        catch (CageException e) when (e.InnerException is SpawnException { Stage: SpawnStage.Execute, Number: ENOEXEC })
        {
            return CommandStarter.Start(cage, command with { Arguments = ["/bin/sh", Handed] });
        }
        catch (CageException e) when (e.Error == CageError.CageCommandNotFound)
        {
            throw new CageException(
                CageError.CageStartFailed, $"The {name} script of \"{cage.Name}\" was not run: the interpreter that its first line names is not in the cage (ENOENT).",
                "Put it in, or name another after #!.", cage.Name, e);
        }
    }

    private static string Tail(string logPath)
    {
        using Descriptor log = Files.Open(logPath, Files.O_RDONLY);
        long begin = Math.Max(0, Files.Status(log).Size - TailLength);
        byte[] bytes = new byte[TailLength];
        string said = PlainText.Of(Encoding.UTF8.GetString(bytes, 0, Files.ReadAt(log, bytes, begin)).Trim());
        return said.Length == 0 ? "it said nothing." : begin > 0 ? $"…{said}" : said;
    }
}

/// <summary>Waiting for a process by its pidfd, in a way that can be cancelled.</summary>
internal static class ProcessWait
{
    private const int Slice = 100;

    /// <summary>Whether it ended within <paramref name="timeout"/>.</summary>
    public static bool For(Descriptor process, TimeSpan timeout, CancellationToken cancellation)
    {
        if (!cancellation.CanBeCanceled) return Channels.WaitReadable(process, timeout == Timeout.InfiniteTimeSpan ? -1 : (int)timeout.TotalMilliseconds);
        long end = timeout == Timeout.InfiniteTimeSpan ? long.MaxValue : Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            long left = end - Environment.TickCount64;
            if (Channels.WaitReadable(process, (int)Math.Clamp(left, 0, Slice))) return true;
            if (left <= 0) return false;
        }
    }
}
