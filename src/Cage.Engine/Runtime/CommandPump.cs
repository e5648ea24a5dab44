using Cage.Engine.State;
using Cage.Interop;

namespace Cage.Engine.Runtime;

/// <summary>A piece of what a command wrote; the memory is used again once it is taken.</summary>
/// <param name="bytes">The piece.</param>
public delegate void PumpSink(ReadOnlySpan<byte> bytes);

/// <summary>
/// A command in a running cage whose input, output and errors are pipes to the caller. It has no thread of its own: what the command
/// wrote reaches the sinks while the caller is in <see cref="Write"/>, <see cref="Listen"/> or <see cref="Finish"/>. The end is the command's
/// own, not its pipes': a daemon that it leaves behind may hold those for ever.
/// </summary>
public sealed class CommandPump : IDisposable
{
    /// <summary>As much as a pipe holds (pipe(7)), so that one read empties it and what was there at the end fits.</summary>
    private const int BufferSize = 65536;

    private const int Slice = 100;

    private static readonly TimeSpan _grace = TimeSpan.FromSeconds(2), _hopeless = TimeSpan.FromSeconds(10);

    private readonly byte[] _buffer = new byte[BufferSize];
    private readonly PumpSink _outputSink, _errorSink;
    private readonly CancellationToken _cancellation;
    private readonly SpawnedProcess _process;
    private Descriptor? _input, _output, _error;
    private bool _ended, _reaped;

    /// <summary>Starts the command.</summary>
    /// <param name="engine">Who starts it.</param>
    /// <param name="cage">The cage, running.</param>
    /// <param name="command">The command; its descriptors are ours to give.</param>
    /// <param name="takesInput">Whether <see cref="Write"/> is going to be used; otherwise its input is empty.</param>
    /// <param name="output">Is told what it writes to its standard output.</param>
    /// <param name="error">Is told what it writes to its standard error.</param>
    /// <param name="cancellation">Ends it, and the waiting for it.</param>
    /// <exception cref="CageException">As <see cref="CageEngine.Run"/>.</exception>
    public CommandPump(
        CageEngine engine, CageInfo cage, CageCommand command, bool takesInput, PumpSink output, PumpSink error, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(engine);
        _outputSink = output;
        _errorSink = error;
        _cancellation = cancellation;
        (_output, Descriptor outputEnd) = Channels.Pipe();
        (_error, Descriptor errorEnd) = Channels.Pipe();
        (_input, Descriptor inputEnd) = takesInput ? InputPipe() : (null, Files.Open("/dev/null", Files.O_RDONLY));
        using (outputEnd)
        using (errorEnd)
        using (inputEnd)
        {
            try
            {
                _process = engine.Run(cage, command with { Descriptors = [inputEnd, outputEnd, errorEnd], Cancellation = cancellation });
            }
            catch
            {
                ClosePipes();
                throw;
            }
        }
        Channels.SetNonBlocking(_output);
        Channels.SetNonBlocking(_error);
        if (_input is not null) Channels.SetNonBlocking(_input);
    }

    /// <summary>Hands it input, waiting until it has gone into the pipe. What a command that has ended or closed its input does not read is dropped.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public void Write(ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty && _input is not null && !_ended)
        {
            int count = TryWrite(data);
            data = data[count..];
            Step(count == 0 ? Slice : 0, data.Length > 0);
        }
    }

    /// <summary>As <see cref="Write"/>, from any thread, while another is in <see cref="Listen"/>.</summary>
    /// <exception cref="IOException">It reads no more.</exception>
    /// <exception cref="ObjectDisposedException">Its input is closed.</exception>
    public void Post(ReadOnlySpan<byte> data)
    {
        Descriptor? input = _input;
        ObjectDisposedException.ThrowIf(input is null, this);
        bool isHeld = false;
        try
        {
            input.DangerousAddRef(ref isHeld);
            while (!data.IsEmpty)
            {
                ObjectDisposedException.ThrowIf(input.IsClosed, this);
                int count = Channels.TryWrite(input, data);
                data = data[count..];
                if (count == 0) Channels.Poll([new PollEntry(input, Channels.POLLOUT)], Slice);
            }
        }
        catch (LinuxException e) when (e.Number == Errno.EPIPE)
        {
            throw new IOException(e.Message, e);
        }
        finally
        {
            if (isHeld) input.DangerousRelease();
        }
    }

    /// <summary>Closes its input: it is to come to its end. From any thread.</summary>
    public void CloseInput() => Interlocked.Exchange(ref _input, null)?.Dispose();

    /// <summary>Closes its input and waits until it ends and what it wrote is told.</summary>
    /// <returns>Its exit status, or 128 and the signal that ended it.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public int Finish()
    {
        CloseInput();
        return Listen();
    }

    /// <summary>Waits until it ends and what it wrote is told; its input is left to <see cref="Post"/>.</summary>
    /// <returns>As <see cref="Finish"/>.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public int Listen()
    {
        while (!_ended) Step(Slice, wantsToWrite: false);
        Drain(ref _output, _outputSink);
        Drain(ref _error, _errorSink);
        _reaped = true;
        return Processes.Wait(_process.Id).ExitStatus;
    }

    /// <summary>Ends what still runs of it: TERM to its process group, and KILL two seconds later.</summary>
    public void Dispose()
    {
        ClosePipes();
        if (!_reaped)
        {
            _reaped = true;
            Processes.Kill(-_process.Id, Processes.SIGTERM);
            if (!ProcessWait.For(_process.Handle, _grace, default)) Processes.Kill(-_process.Id, Processes.SIGKILL);
            // One that hangs in the kernel is left to it.
            if (ProcessWait.For(_process.Handle, _hopeless, default)) Processes.Wait(_process.Id);
        }
        _process.Dispose();
    }

    private void Step(int timeout, bool wantsToWrite)
    {
        _cancellation.ThrowIfCancellationRequested();
        Span<PollEntry> entries =
        [
            new(_process.Handle, Channels.POLLIN),
            new(_output, Channels.POLLIN),
            new(_error, Channels.POLLIN),
            new(wantsToWrite ? _input : null, Channels.POLLOUT),
        ];
        if (!Channels.Poll(entries, timeout)) return;
        if (entries[1].Ready != 0) Relay(ref _output, _outputSink);
        if (entries[2].Ready != 0) Relay(ref _error, _errorSink);
        _ended = entries[0].Ready != 0;
    }

    /// <summary>What is in the pipe now, and no more: a daemon may go on writing.</summary>
    private void Drain(ref Descriptor? pipe, PumpSink sink)
    {
        for (int left = BufferSize; left > 0;)
        {
            int count = Relay(ref pipe, sink);
            if (count == 0) return;
            left -= count;
        }
    }

    /// <summary>How much was there; 0 for nothing now, or nothing ever again.</summary>
    private int Relay(ref Descriptor? pipe, PumpSink sink)
    {
        if (pipe is null) return 0;
        int count;
        try
        {
            count = Files.Read(pipe, _buffer);
        }
        catch (LinuxException e) when (e.Number == Errno.EAGAIN)
        {
            return 0;
        }
        if (count == 0) Close(ref pipe);
        else sink(_buffer.AsSpan(0, count));
        return count;
    }

    private int TryWrite(ReadOnlySpan<byte> data)
    {
        try
        {
            return Channels.TryWrite(_input!, data);
        }
        catch (LinuxException e) when (e.Number == Errno.EPIPE)
        {
            CloseInput();
            return data.Length;
        }
    }

    private void ClosePipes()
    {
        CloseInput();
        Close(ref _output);
        Close(ref _error);
    }

    private static void Close(ref Descriptor? pipe)
    {
        pipe?.Dispose();
        pipe = null;
    }

    private static (Descriptor? Ours, Descriptor Theirs) InputPipe()
    {
        (Descriptor read, Descriptor write) = Channels.Pipe();
        return (write, read);
    }
}
