using System.Collections.Concurrent;
using System.Management.Automation;

namespace Cage.PowerShell.Scripts;

/// <summary>A script block in several cages, so many at once. A child job for each cage has its results.</summary>
public sealed class CageJob : Job
{
    internal const string TypeName = "CageJob";

    private readonly ConcurrentQueue<ScriptJob> _waiting;
    private readonly ScriptJob[] _scripts;
    private readonly Thread[] _threads;
    private int _running;
    private bool _isDisposed;

    internal CageJob(string script, IReadOnlyList<ScriptJob> scripts, int throttleLimit)
        : base(script)
    {
        _scripts = [.. scripts];
        _waiting = new ConcurrentQueue<ScriptJob>(_scripts);
        foreach (ScriptJob child in _scripts) ChildJobs.Add(child);
        PSJobTypeName = TypeName;
        _running = Math.Min(throttleLimit, _scripts.Length);
        _threads = [.. Enumerable.Range(0, _running).Select(_ => new Thread(Work) { IsBackground = true, Name = Name })];
    }

    /// <summary>The cages.</summary>
    public override string Location => string.Join(',', ChildJobs.Select(child => child.Location));

    /// <inheritdoc/>
    public override string StatusMessage => "";

    /// <inheritdoc/>
    public override bool HasMoreData => ChildJobs.Any(child => child.HasMoreData);

    /// <summary>Stops all and waits until nothing of them is left in the cages.</summary>
    public override void StopJob()
    {
        foreach (ScriptJob child in _scripts) child.BeginStop();
        foreach (ScriptJob child in _scripts) child.StopJob();
        Finished.WaitOne();
    }

    /// <summary>Begins. As many threads as scripts run at once: each waits for one most of the time.</summary>
    internal void Start()
    {
        SetJobState(JobState.Running);
        foreach (Thread thread in _threads) thread.Start();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !_isDisposed)
        {
            _isDisposed = true;
            StopJob();
            foreach (Thread thread in _threads.Where(thread => thread != Thread.CurrentThread)) thread.Join();
            foreach (ScriptJob child in _scripts) child.Dispose();
        }
        base.Dispose(disposing);
    }

    private void Work()
    {
        while (_waiting.TryDequeue(out ScriptJob? child)) child.Run();
        if (Interlocked.Decrement(ref _running) > 0) return;
        bool Any(JobState state) => ChildJobs.Any(child => child.JobStateInfo.State == state);
        SetJobState(Any(JobState.Stopped) ? JobState.Stopped : Any(JobState.Failed) ? JobState.Failed : JobState.Completed);
    }
}
