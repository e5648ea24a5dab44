using System.Globalization;
using System.Text;
using Cage.Engine.Runtime;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Services;

/// <summary>A service as its supervisor holds it: starts it, relays what it says to its log, starts it again as its policy says, ends it on TERM.</summary>
internal sealed class ServiceRun : IDisposable
{
    private const int StartLimit = 90_000, FirstDelay = 100, LastDelay = 30_000, Settled = 10_000, Slice = 100;

    private readonly StoreSettings _settings;
    private readonly CageInfo _cage;
    private readonly ServiceSpec _service;
    private readonly Descriptor _signals, _lock, _output, _outputEnd, _nothing;
    private readonly ServiceLog _log;
    private readonly byte[] _buffer = new byte[65536];
    private SpawnedProcess? _child;
    private Descriptor? _main;
    private bool _ending;

    /// <summary>Takes the service's lock.</summary>
    /// <exception cref="CageException">CageAlreadyRunning: another has it.</exception>
    public ServiceRun(StoreSettings settings, CageRecord cage, ServiceSpec service, Descriptor signals)
    {
        _settings = settings;
        _cage = CageInfo.Of(settings, cage);
        _service = service;
        _signals = signals;
        _lock = CageService.OpenLock(cage, service.Name);
        if (!RecordLock.TryTake(_lock))
            throw new CageException(CageError.CageAlreadyRunning, $"The service \"{service.Name}\" of \"{cage.Name}\" runs already.", target: service.Name);
        _log = new ServiceLog(CageLog.PathOf(cage, service.Name));
        (_output, _outputEnd) = Channels.Pipe();
        Channels.SetNonBlocking(_output);
        _nothing = Files.Open("/dev/null", Files.O_RDONLY);
    }

    /// <summary>Whether something of it runs: a OneShot is over when its start is.</summary>
    public bool GoesOn => _main is not null;

    /// <summary>Starts it: it is up when this returns.</summary>
    /// <exception cref="CageException">What failed. Nothing of it runs then.</exception>
    public void Start()
    {
        try
        {
            foreach (ServiceCommand command in _service.Before) RunToEnd(command, StartLimit);
            if (_service.Kind == ServiceKind.Simple)
            {
                _child = Begin(_service.Commands[0]);
                Watch(_child.Id, _child.Handle);
                return;
            }
            foreach (ServiceCommand command in _service.Commands) RunToEnd(command, _service.Kind == ServiceKind.OneShot ? Timeout.Infinite : StartLimit);
            if (_service.Kind == ServiceKind.Forking) FindDaemon();
        }
        catch (CageException e)
        {
            _log.Note($"not started: {e.Message}");
            throw;
        }
    }

    /// <summary>Holds it until it has ended for good.</summary>
    public void Hold()
    {
        int delay = FirstDelay;
        while (_main is not null)
        {
            long start = Environment.TickCount64;
            while (!Step(_main, Slice))
            {
            }
            int? status = Reap();
            _log.Note(status is int number ? $"ended with {number.ToString(CultureInfo.InvariantCulture)}" : "ended");
            if (!IsWanted(status)) return;
            if (Environment.TickCount64 - start > Settled) delay = FirstDelay;
            do
            {
                long until = Environment.TickCount64 + delay;
                while (!_ending && Environment.TickCount64 < until) Step(null, (int)Math.Clamp(until - Environment.TickCount64, 0, Slice));
                delay = Math.Min(delay * 2, LastDelay);
                if (!IsWanted(null)) return;
            }
            while (!TryStart());
        }
    }

    public void Dispose()
    {
        Reap();
        foreach (IDisposable held in (IDisposable[])[_log, _output, _outputEnd, _nothing, _lock]) held.Dispose();
    }

    /// <summary>Whether it is to be started again. Of a daemon only that it ended is known: for all that is known it failed.</summary>
    private bool IsWanted(int? status) =>
        !_ending && _service.Restart != RestartPolicy.None && (_service.Restart == RestartPolicy.Always || status != 0) &&
        CageInfo.Of(_settings, _cage.Record) is { State: not CageState.Stopped } now && now.ProcessId == _cage.ProcessId;

    private bool TryStart()
    {
        try
        {
            Start();
            return true;
        }
        catch (CageException)
        {
            Reap();
            return _ending;
        }
    }

    private void RunToEnd(ServiceCommand command, int limit)
    {
        try
        {
            _child = Begin(command);
        }
        catch (CageException e) when (command.MayFail)
        {
            _log.Note($"left out: {e.Message}");
            return;
        }
        long end = limit == Timeout.Infinite ? long.MaxValue : Environment.TickCount64 + limit;
        while (!Step(_child.Handle, Slice))
        {
            if (!_ending && Environment.TickCount64 < end) continue;
            Processes.Signal(_child.Handle, Processes.SIGKILL);
            Reap();
            throw new CageException(
                CageError.CageStartFailed,
                _ending ? Ended : $"{command.Words[0]} of the service \"{_service.Name}\" took longer than {limit / 1000} s and was killed.",
                target: _service.Name);
        }
        int? status = Reap();
        if (status != 0 && !command.MayFail)
            throw new CageException(
                CageError.CageStartFailed, $"{command.Words[0]} of the service \"{_service.Name}\" ended with {status}.", "Its log (Get-CageLog, cage log) has what it said.", _service.Name);
    }

    private string Ended => $"The service \"{_service.Name}\" was ended before it was up.";

    private SpawnedProcess Begin(ServiceCommand command)
    {
        SpawnedProcess process;
        try
        {
            process = Spawn(command);
        }
        catch (OperationCanceledException e)
        {
            throw new CageException(CageError.CageStartFailed, Ended, target: _service.Name, inner: e);
        }
        _log.Note($"started as process {process.Id.ToString(CultureInfo.InvariantCulture)}: {string.Join(' ', command.Words)}");
        return process;
    }

    private SpawnedProcess Spawn(ServiceCommand command) => CommandStarter.Start(_cage, new CageCommand
    {
        Arguments = command.Words,
        User = _service.User,
        Directory = _service.Directory,
        Environment = _service.Environment,
        Descriptors = [_nothing, _outputEnd, _outputEnd],
        DeathSignal = Processes.SIGKILL,
    });

    /// <summary>The daemon that a Forking one left behind: its file has the number that it has inside.</summary>
    private void FindDaemon()
    {
        using Descriptor root = CommandStarter.OpenRoot(_cage);
        for (long end = Environment.TickCount64 + StartLimit; Environment.TickCount64 < end && !_ending; Step(null, 20))
        {
            using Descriptor? file = Files.TryOpenInRoot(root, _service.PidFile!, Files.O_RDONLY | Files.O_NONBLOCK);
            if (file is null || !int.TryParse(Encoding.ASCII.GetString(Files.ReadAll(file, 4096)).Trim(), CultureInfo.InvariantCulture, out int inside)) continue;
            CageProcess? daemon = CageProcess.Of(_cage).FirstOrDefault(process => process.InsideId == inside);
            if (daemon is null || Processes.TryOpen(daemon.Id) is not Descriptor handle) continue;
            Watch(daemon.Id, handle);
            return;
        }
        throw new CageException(
            CageError.CageStartFailed, $"The service \"{_service.Name}\" left no daemon behind that {_service.PidFile} names.", "Is the unit's PIDFile right?", _service.Name);
    }

    private void Watch(int pid, Descriptor handle)
    {
        _main = handle;
        CageService.NoteMain(_lock, pid);
    }

    /// <summary>Relays what is said, and hands TERM on, for a while or until the process ends. Whether it has.</summary>
    private bool Step(Descriptor? process, int timeout)
    {
        Span<PollEntry> entries = [new(process, Channels.POLLIN), new(_output, Channels.POLLIN), new(_signals, Channels.POLLIN)];
        if (!Channels.Poll(entries, timeout)) return false;
        if (entries[1].Ready != 0) Relay();
        if (entries[2].Ready != 0)
        {
            Files.Read(_signals, _buffer);
            _ending = true;
            if (process is not null) CommandSignal.HandOn(process, Processes.SIGTERM);
        }
        return entries[0].Ready != 0;
    }

    private bool Relay()
    {
        try
        {
            int count = Files.Read(_output, _buffer);
            _log.Write(_buffer.AsSpan(0, count));
            return count > 0;
        }
        catch (LinuxException e) when (e.Number == Errno.EAGAIN)
        {
            return false;
        }
    }

    /// <summary>Lets go of what has ended. Its status; null for a daemon's, which is its parent's to know.</summary>
    private int? Reap()
    {
        // What it said last is in the pipe still; a daemon that it left may go on, and is not waited for.
        for (int i = 0; i < 16 && Relay(); i++)
        {
        }
        int? status = _child is null ? null : Processes.Wait(_child.Id).ExitStatus;
        if (_main is not null) CageService.NoteMain(_lock, CageService.NoMain);
        if (_main != _child?.Handle) _main?.Dispose();
        _child?.Dispose();
        (_child, _main) = (null, null);
        return status;
    }
}
