using System.Collections.Concurrent;
using System.Management.Automation;
using System.Management.Automation.Remoting;
using System.Management.Automation.Runspaces;
using Cage.Engine.State;

namespace Cage.PowerShell.Scripts;

/// <summary>A script block in cages joined to a cmdlet's pipeline: what the jobs' streams get is written as it comes, on the pipeline's thread.</summary>
internal sealed class RunningScript : IRunning
{
    /// <summary>What is to be written. Where that is slow, the cages wait as well.</summary>
    private readonly BlockingCollection<Action> _pending = new(1024);
    private readonly CancellationTokenSource _end = new();
    private readonly ForcedRecords _forced;
    private readonly PSCmdlet _cmdlet;
    private readonly CageJob _job;
    private readonly CancellationToken _cancellation;

    public RunningScript(PSCmdlet cmdlet, CageJob job, CancellationToken cancellation)
    {
        _cmdlet = cmdlet;
        _job = job;
        _cancellation = cancellation;
        _forced = new ForcedRecords(cmdlet.SessionState);
        foreach (ScriptJob child in job.ChildJobs.Cast<ScriptJob>()) Join(child);
        job.StateChanged += (_, _) =>
        {
            if (CageJob.IsOver(job)) _pending.CompleteAdding();
        };
        job.Start();
    }

    public void Feed(object? item)
    {
        _job.Feed(item, () =>
        {
            if (_pending.TryTake(out Action? write, 10, _cancellation)) write();
        });
        while (_pending.TryTake(out Action? write)) write();
    }

    /// <summary>The status is 0 when it is for each, else the first other one in the order of the cages.</summary>
    public int Finish()
    {
        _job.CompleteInput();
        foreach (Action write in _pending.GetConsumingEnumerable(_cancellation)) write();
        return _job.ChildJobs.Cast<ScriptJob>().Select(child => child.ExitCode ?? 0).FirstOrDefault(status => status != 0);
    }

    public void Dispose()
    {
        _end.Cancel();
        _job.CompleteInput();
        _job.Dispose();
        _forced.Dispose();
        _end.Dispose();
    }

    private void Join(ScriptJob child)
    {
        Relay(child.Output, _cmdlet.WriteObject);
        OriginInfo origin = new(child.Location, child.InstanceId);
        Relay(child.Error, record => _cmdlet.WriteError(record.Exception is RemoteException ? new RemotingErrorRecord(record, origin) : record));
        Relay(child.Warning, record => _cmdlet.WriteWarning(record.Message));
        Relay(child.Verbose, _forced.Write);
        Relay(child.Debug, _forced.Write);
        Relay(child.Information, _cmdlet.WriteInformation);
        Relay(child.Progress, _cmdlet.WriteProgress);
    }

    private void Relay<T>(PSDataCollection<T> stream, Action<T> write)
    {
        stream.DataAdding += (_, e) => Post(() => write((T)e.ItemAdded));
        // It is on its way: the stream need not keep it as well.
        stream.DataAdded += (_, _) => stream.Clear();
    }

    /// <summary>On the threads of PowerShell's remoting. Once the end is near nobody writes any more, and what comes is dropped.</summary>
    private void Post(Action write)
    {
        try
        {
            _pending.Add(write, _end.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
        }
    }
}
