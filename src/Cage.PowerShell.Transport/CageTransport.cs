using System.Management.Automation.Internal;
using System.Management.Automation.Remoting;
using System.Management.Automation.Remoting.Client;
using System.Text;
using Cage.Engine;
using Cage.Engine.Runtime;

namespace Cage.PowerShell.Transport;

/// <summary>
/// Carries PowerShell's remoting protocol to the pwsh of a cage: a message is a line on its standard input or output. One thread listens
/// and sees pwsh's end; PowerShell's own threads write.
/// </summary>
internal sealed class CageTransport(CageConnectionInfo connection, Guid runspaceId, PSRemotingCryptoHelper cryptoHelper)
    : ClientSessionTransportManagerBase(runspaceId, cryptoHelper)
{
    private const int TailLength = 2000;

    /// <summary>How long pwsh may take to end once its input is closed.</summary>
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _end = CancellationTokenSource.CreateLinkedTokenSource(connection.End);
    private readonly StringBuilder _said = new();
    private CommandPump? _pump;
    private Thread? _listener;
    private volatile bool _hasAnswered;
    private int _isClosing;

    /// <inheritdoc/>
    public override void CreateAsync()
    {
        try
        {
            LineSplitter messages = new(Take), errors = new(Note);
            _pump = connection.Begin(messages.Append, errors.Append, _end.Token);
        }
        catch (CageException e)
        {
            Fail(e, TransportMethodEnum.CreateShellEx);
            return;
        }
        catch (OperationCanceledException)
        {
            Fail(connection.Stopped(), TransportMethodEnum.CreateShellEx);
            return;
        }
        SetMessageWriter(new PumpWriter(this, _pump));
        _listener = new Thread(Listen) { IsBackground = true, Name = $"Cage {connection.ComputerName}" };
        _listener.Start();
        SendOneItem();
    }

    /// <inheritdoc/>
    protected override void CleanupConnection()
    {
        if (Interlocked.Exchange(ref _isClosing, 1) != 0) return;
        _end.CancelAfter(_patience);
        _pump?.CloseInput();
    }

    /// <summary>Returns when pwsh is gone.</summary>
    protected override void Dispose(bool isDisposing)
    {
        if (isDisposing)
        {
            CleanupConnection();
            // The error that the listener reports last leads here as well.
            if (_listener != Thread.CurrentThread) _listener?.Join();
        }
        base.Dispose(isDisposing);
        if (isDisposing) _end.Dispose();
    }

    private void Listen()
    {
        int? status = null;
        using (_pump)
        {
            try
            {
                status = _pump!.Listen();
            }
            catch (OperationCanceledException)
            {
                // It is to be ended by force, which disposing of it does.
            }
        }
        if (Volatile.Read(ref _isClosing) == 0)
        {
            // Until it has answered there is no session yet that could break.
            TransportMethodEnum where = _hasAnswered ? TransportMethodEnum.CloseShellOperationEx : TransportMethodEnum.CreateShellEx;
            Fail(connection.Ended(status ?? 137, _said.ToString()), where);
        }
    }

    /// <summary>A message of the protocol is XML; anything else comes from a program that was begun with pwsh's own output.</summary>
    private void Take(string line)
    {
        if (!line.StartsWith('<'))
        {
            Note(line);
            return;
        }
        _hasAnswered = true;
        HandleOutputDataReceived(line);
    }

    private void Note(string line)
    {
        if (_said.Length < TailLength) _said.Append(_said.Length == 0 ? "" : " ").Append(line);
    }

    private void Fail(CageException reason, TransportMethodEnum where) =>
        RaiseErrorHandler(new TransportErrorOccuredEventArgs(new PSRemotingTransportException(reason.Message, reason), where));

    private sealed class PumpWriter(CageTransport transport, CommandPump pump) : TextWriter
    {
        public override Encoding Encoding => Encoding.UTF8;

        /// <summary>What pwsh does not live to read is dropped: the listener says that it has ended, and why. PowerShell writes on threads
        /// where an exception would end the caller's pwsh. What it waits for a minute to be acknowledged is acknowledged in pwsh's place.</summary>
        public override void WriteLine(string? value)
        {
            try
            {
                pump.Post(Encoding.UTF8.GetBytes($"{value}\n"));
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                foreach (string request in (string[])["Close", "Signal"])
                    if (value?.StartsWith($"<{request} ", StringComparison.Ordinal) == true) transport.HandleOutputDataReceived($"<{request}Ack {value[(request.Length + 2)..]}");
            }
        }
    }
}
