using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Cage.Cli.Tests;

/// <summary>A process with its three streams on pipes.</summary>
public sealed partial class Child : IDisposable
{
    public const int SIGHUP = 1, SIGINT = 2, SIGQUIT = 3, SIGKILL = 9, SIGUSR1 = 10, SIGUSR2 = 12, SIGTERM = 15, SIGCONT = 18, SIGSTOP = 19;

    /// <summary>Longer than anything here takes on a slow machine.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Process _process;
    private readonly StreamCollector _output, _error;
    private readonly string _commandLine;
    private bool _disposed;

    private Child(Process process, string commandLine)
    {
        _process = process;
        _commandLine = commandLine;
        _output = new StreamCollector(process.StandardOutput.BaseStream);
        _error = new StreamCollector(process.StandardError.BaseStream);
    }

    public int Id => _process.Id;

    public Stream Input => _process.StandardInput.BaseStream;

    /// <summary>What it has written so far.</summary>
    public string OutputSoFar => _output.Text;

    public static Child Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment)
    {
        ProcessStartInfo info = new(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
        info.Environment.Clear();
        foreach (var (name, value) in environment) info.Environment[name] = value;
        return new Child(Process.Start(info)!, string.Join(' ', arguments.Prepend(program)));
    }

    /// <summary>Gives it <paramref name="input"/>, waits for its end and for that of its streams.</summary>
    public Outcome End(byte[]? input = null)
    {
        Task feeding = Task.Run(() => Feed(input ?? []));
        int status = Exit();
        Assert.True(_output.WaitForEnd(Patience) && _error.WaitForEnd(Patience), $"{_commandLine}\nended, but something it started holds its output.");
        feeding.Wait();
        return new Outcome(_commandLine, status, _output.Bytes, _error.Bytes);
    }

    /// <summary>Waits for its own end alone: its streams may be held open by others.</summary>
    public int Exit()
    {
        if (!_process.WaitForExit(Patience))
        {
            _process.Kill();
            Assert.Fail($"{_commandLine}\ndid not end within {Patience.TotalSeconds} s.\nstdout: {_output.Text}\nstderr: {_error.Text}");
        }
        return _process.ExitCode;
    }

    /// <summary>Waits until it has written <paramref name="text"/> to standard output.</summary>
    public void WaitFor(string text) =>
        Wait.Until(() => _output.Text.Contains(text, StringComparison.Ordinal), () => $"{_commandLine}\ndid not write \"{text}\".\nstdout: {_output.Text}\nstderr: {_error.Text}");

    public void Signal(int signal) => Signal(Id, signal);

    public static void Signal(int pid, int signal) => _ = kill(pid, signal);

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }
        _process.Dispose();
    }

    private void Feed(byte[] input)
    {
        try
        {
            using Stream stream = Input;
            stream.Write(input);
        }
        catch (IOException)
        {
            // It ended, or closed its input, before it had read everything.
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int pid, int signal);

    /// <summary>Reads a stream to its end, on a thread of its own, so that what came so far can be looked at.</summary>
    private sealed class StreamCollector
    {
        private readonly MemoryStream _bytes = new();
        private readonly Thread _thread;

        public StreamCollector(Stream stream)
        {
            _thread = new Thread(() => Collect(stream)) { IsBackground = true };
            _thread.Start();
        }

        public byte[] Bytes
        {
            get
            {
                lock (_bytes) return _bytes.ToArray();
            }
        }

        public string Text => System.Text.Encoding.UTF8.GetString(Bytes);

        public bool WaitForEnd(TimeSpan patience) => _thread.Join(patience);

        private void Collect(Stream stream)
        {
            byte[] buffer = new byte[65536];
            try
            {
                while (stream.Read(buffer) is int count and > 0)
                    lock (_bytes) _bytes.Write(buffer, 0, count);
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
            {
                // The test is over.
            }
        }
    }
}
