using System.Management.Automation;
using System.Management.Automation.Remoting;
using System.Management.Automation.Runspaces;
using Cage.Engine.State;
using Cage.PowerShell.Transport;

namespace Cage.PowerShell.Scripts;

/// <summary>A script block in one cage, run by the cage's own pwsh. Its streams are the job's.</summary>
public sealed class ScriptJob : Job
{
    private static readonly Lazy<TypeTable> _types = new(TypeTable.LoadDefaultTypeFiles);

    /// <summary>How long a script may take to stop before its pwsh is ended.</summary>
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(3);

    private readonly object _gate = new();
    private readonly CancellationTokenSource _end = new();
    private readonly ScriptRequest _request;
    private readonly CageInfo _cage;
    private System.Management.Automation.PowerShell? _shell;
    private bool _isStopping, _isBegun, _isDisposed;

    internal ScriptJob(ScriptRequest request, CageInfo cage, string shownAs)
        : base(request.Script, shownAs)
    {
        _request = request;
        _cage = cage;
        Location = shownAs;
        PSJobTypeName = CageJob.TypeName;
        Input = request.TakesInput ? new ScriptInput() : null;
        Output.DataAdding += (_, e) => Tag((PSObject?)e.ItemAdded);
    }

    /// <summary>The cage's name; its id where the same job has another cage of that name.</summary>
    public override string Location { get; }

    /// <summary>The script's exit status: of its <c>exit</c>, else of the last program that it ran, else 0; 1 when a terminating error ended it.
    /// Null until then.</summary>
    public int? ExitCode { get; private set; }

    /// <inheritdoc/>
    public override string StatusMessage => "";

    /// <inheritdoc/>
    public override bool HasMoreData => JobStateInfo.State is JobState.NotStarted or JobState.Running ||
        Output.Count + Error.Count + Warning.Count + Verbose.Count + Debug.Count + Information.Count + Progress.Count > 0;

    /// <summary>Stops it and waits until nothing of it is left in the cage.</summary>
    public override void StopJob()
    {
        BeginStop();
        CageJob.WaitFor(this);
    }

    /// <summary>What the pipeline brings for it; null where that brings nothing.</summary>
    internal ScriptInput? Input { get; }

    /// <summary>Whether it runs and is to be given no more for the moment. One that waits for its turn keeps what it is given.</summary>
    internal bool IsBehind => JobStateInfo.State == JobState.Running && Input!.IsBehind;

    /// <summary>Runs it. Returns when it has ended and its pwsh is gone.</summary>
    internal void Run()
    {
        lock (_gate)
        {
            if (_isBegun) return;
            _isBegun = true;
            SetJobState(JobState.Running);
        }
        bool failed = false;
        try
        {
            ExitCode = RunInside();
        }
        catch (Exception e)
        {
            // The last stop on this thread: anything that went further would end the caller's pwsh.
            failed = true;
            ExitCode = e is RemoteException ? 1 : Errors.ExitStatus((e as PSRemotingTransportException)?.InnerException ?? e);
            if (!_isStopping) Error.Add(Errors.OfScript(e, _cage));
        }
        SetJobState(_isStopping ? JobState.Stopped : failed ? JobState.Failed : JobState.Completed);
    }

    /// <summary>Tells it to stop.</summary>
    internal void BeginStop()
    {
        lock (_gate)
        {
            if (CageJob.IsOver(this)) return;
            _isStopping = true;
            if (!_isBegun)
            {
                _isBegun = true;
                SetJobState(JobState.Stopped);
                return;
            }
            _end.CancelAfter(_shell is null ? TimeSpan.Zero : _patience);
            _shell?.BeginStop(null, null);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !_isDisposed)
        {
            _isDisposed = true;
            StopJob();
            _end.Dispose();
            Input?.Dispose();
        }
        base.Dispose(disposing);
    }

    private int RunInside()
    {
        ScriptHost host = new();
        CageConnectionInfo connection = new(_request.Engine, _cage, _request.Command, _end.Token) { ComputerName = Location };
        using Runspace runspace = RunspaceFactory.CreateRunspace(connection, host, _types.Value);
        runspace.Open();
        using System.Management.Automation.PowerShell shell = _request.In(runspace);
        shell.Streams.Error = Error;
        shell.Streams.Warning = Warning;
        shell.Streams.Verbose = Verbose;
        shell.Streams.Debug = Debug;
        using PSDataCollection<InformationRecord> told = [];
        told.DataAdded += (_, _) =>
        {
            foreach (InformationRecord record in told.ReadAll())
                if (Input?.Took(record) != true) Information.Add(record);
        };
        shell.Streams.Information = told;
        shell.Streams.Progress = Progress;
        lock (_gate)
        {
            if (_isStopping) throw new OperationCanceledException();
            _shell = shell;
        }
        try
        {
            shell.EndInvoke(shell.BeginInvoke(Input?.Items, Output, new PSInvocationSettings { Host = host }, null, null));
        }
        finally
        {
            lock (_gate) _shell = null;
        }
        return host.ExitCode ?? LastExitCode(runspace);
    }

    private static int LastExitCode(Runspace runspace)
    {
        using System.Management.Automation.PowerShell shell = System.Management.Automation.PowerShell.Create();
        shell.Runspace = runspace;
        return shell.AddScript("$global:LASTEXITCODE").Invoke<int?>().FirstOrDefault() ?? 0;
    }

    /// <summary>By these names PowerShell's views know where a result comes from, and show it or not.</summary>
    private void Tag(PSObject? result)
    {
        if (result is null) return;
        result.Properties.Add(new PSNoteProperty("PSComputerName", Location));
        result.Properties.Add(new PSNoteProperty("PSShowComputerName", _request.ShowsCage));
    }
}
