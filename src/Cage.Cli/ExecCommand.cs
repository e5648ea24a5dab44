using Cage.Engine;
using Cage.Engine.Runtime;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Cli;

/// <summary>cage exec, cage enter, cage run: a command in a cage, its status ours.</summary>
internal static class ExecCommand
{
    public static int Exec(Arguments arguments)
    {
        IReadOnlyList<string> command = Command(arguments);
        if (arguments.Names.Count != 1) throw new UsageException("which cage?");
        bool terminal = RequireTerminal(arguments.Has("--terminal"));
        CageEngine engine = Commands.OpenEngine();
        return Run(engine, engine.Find(arguments.Names[0]), arguments, command, terminal, deathSignal: 0);
    }

    public static int Enter(Arguments arguments)
    {
        string name = arguments.OneName();
        RequireTerminal(wanted: true);
        CageEngine engine = Commands.OpenEngine();
        CageInfo cage = engine.Find(name);
        return Run(engine, cage, arguments, [engine.ShellOf(cage, arguments.Value("--user"))], terminal: true, deathSignal: 0);
    }

    public static int RunOnce(Arguments arguments)
    {
        IReadOnlyList<string> command = Command(arguments);
        if (arguments.Names.Count > 0) throw new UsageException($"what is \"{arguments.Names[0]}\"? The command follows --");
        bool terminal = RequireTerminal(arguments.Has("--terminal"));
        CageIsolation isolation = (CageIsolation)arguments.Word("--isolation", Words.Isolations, (int)CageIsolation.Jail);
        CageEngine engine = Commands.OpenEngine();
        using EphemeralCage cage = engine.StartEphemeral(arguments.All("--base"), isolation, record => Settings.Apply(arguments, record, selector => engine.Store.Find(selector).Id.ToString("D")), HeadStart.Take);
        return Run(engine, cage.Info, arguments, command, terminal, Processes.SIGKILL);
    }

    private static int Run(CageEngine engine, CageInfo cage, Arguments arguments, IReadOnlyList<string> words, bool terminal, int deathSignal)
    {
        ReadOnlySpan<int> watched =
            [Processes.SIGTERM, Processes.SIGHUP, Processes.SIGINT, Processes.SIGQUIT, Processes.SIGUSR1, Processes.SIGUSR2, Processes.SIGWINCH, Processes.SIGTSTP];
        // With a terminal of its own, Ctrl+Z is a key for what is inside.
        using Descriptor signals = Signals.Watch(terminal ? watched[..^1] : watched, keepIgnored: true);
        CageCommand command = new()
        {
            Arguments = words,
            User = arguments.Value("--user"),
            Group = arguments.Value("--group"),
            Directory = arguments.Value("--directory"),
            Environment = arguments.All("--environment"),
            Descriptors = [],
            OwnTerminal = terminal,
            DeathSignal = deathSignal,
        };
        if (!terminal)
        {
            using Descriptor input = Standard(0), output = Standard(1), error = Standard(2);
            using SpawnedProcess process = engine.Run(cage, command with { Descriptors = [input, output, error] });
            return End(process, deathSignal, () => WaitForwarding(process, signals));
        }
        (Descriptor leader, Descriptor peer) = engine.OpenTerminal(cage);
        using (leader)
        {
            SpawnedProcess process;
            using (peer)
            {
                TerminalRelay.CopySize(leader);
                process = engine.Run(cage, command with { Descriptors = [peer, peer, peer] });
            }
            using (process)
            {
                return End(process, deathSignal, () => TerminalRelay.Run(leader, process.Handle, signals));
            }
        }
    }

    /// <summary>What we have there, for the command. From a folder it could reach all of the host's files (openat(2), "..").</summary>
    private static Descriptor Standard(int number)
    {
        Descriptor descriptor = Channels.Duplicate(number);
        if (!Files.Status(descriptor).IsDirectory) return descriptor;
        descriptor.Dispose();
        throw new CageException(CageError.CageArgumentInvalid, $"Descriptor {number} is a folder (EISDIR), from which the command could leave the cage.", "Give it a file, a pipe, a terminal or /dev/null.");
    }

    /// <summary>Waits as <paramref name="wait"/> does and takes the status. When that fails, a command that is not to outlive us is ended first:
    /// the init of its Jail would wait for us to wait for it.</summary>
    private static int End(SpawnedProcess process, int deathSignal, Action wait)
    {
        try
        {
            wait();
        }
        catch when (deathSignal != 0)
        {
            Processes.Signal(process.Handle, deathSignal);
            Processes.Wait(process.Id);
            throw;
        }
        return Processes.Wait(process.Id).ExitStatus;
    }

    /// <summary>Waits for the command and hands it the signals we get; those of the terminal's keys to all of its process group, which is not the one in front.</summary>
    private static void WaitForwarding(SpawnedProcess process, Descriptor signals)
    {
        Span<byte> messages = stackalloc byte[64];
        PollEntry[] entries = new PollEntry[2];
        while (true)
        {
            entries[0] = new PollEntry(process.Handle, Channels.POLLIN);
            entries[1] = new PollEntry(signals, Channels.POLLIN);
            if (!Channels.Poll(entries, -1)) continue;
            if (entries[0].Ready != 0) return;
            int count = Files.Read(signals, messages);
            for (int i = 0; i + 1 < count; i += 2)
            {
                if (messages[i] == Processes.SIGTSTP) StandStill(process);
                else if (messages[i + 1] != 0) CommandSignal.HandOnToGroup(process, messages[i]);
                else CommandSignal.HandOn(process.Handle, messages[i]);
            }
        }
    }

    /// <summary>With all of its process group, until our shell has us go on.</summary>
    private static void StandStill(SpawnedProcess process)
    {
        // No SIGTSTP: nobody in its session could let it go on, so that the kernel would not stop it.
        Processes.Kill(-process.Id, Processes.SIGSTOP);
        Signals.StandStill();
        Processes.Kill(-process.Id, Processes.SIGCONT);
    }

    private static IReadOnlyList<string> Command(Arguments arguments) =>
        arguments.Rest is { Count: > 0 } command ? command : throw new UsageException("which command? It follows --");

    private static bool RequireTerminal(bool wanted)
    {
        if (wanted && !TerminalRelay.IsPossible)
            throw new CageException(CageError.CageArgumentInvalid, "Standard input and output are no terminal (ENOTTY).", "Leave -t out, or use exec in place of enter.");
        return wanted;
    }
}
