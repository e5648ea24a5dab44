using System.Collections.Concurrent;
using System.Management.Automation;

namespace Cage.PowerShell.Scripts;

/// <summary>A script block in several cages, so many at once. A child job for each cage has its results.</summary>
public sealed class CageJob : Job
{
    internal const string TypeName = "CageJob";

    private readonly ConcurrentQueue<ScriptJob> _waiting;
    private readonly ScriptJob[] _scripts;
    private readonly int _throttleLimit;
    private int _running;
    private bool _isDisposed;

    internal CageJob(string script, IReadOnlyList<ScriptJob> scripts, int throttleLimit)
        : base(script)
    {
        _scripts = [.. scripts];
        _waiting = new ConcurrentQueue<ScriptJob>(_scripts);
        foreach (ScriptJob child in _scripts) ChildJobs.Add(child);
        PSJobTypeName = TypeName;
        _throttleLimit = throttleLimit;
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
        WaitFor(this);
    }

    /// <summary>Waits until a job is over. One that is may still be telling so, perhaps to whoever waits here: its Finished comes after that.</summary>
    internal static void WaitFor(Job job)
    {
        if (!IsOver(job)) job.Finished.WaitOne();
    }

    internal static bool IsOver(Job job) => job.JobStateInfo.State is JobState.Completed or JobState.Failed or JobState.Stopped;

    /// <summary>Begins. As many threads as scripts run at once: each waits for one most of the time.</summary>
    internal void Start()
    {
        SetJobState(JobState.Running);
        _running = Math.Min(_throttleLimit, _scripts.Length);
        for (int i = _running; i > 0; i--) new Thread(Work) { IsBackground = true, Name = Name }.Start();
    }

    /// <summary>Gives an object to each, and waits until all but those that wait for their turn have come near to it.</summary>
    /// <param name="item">The object.</param>
    /// <param name="meanwhile">Is done while it waits, for a moment each time.</param>
    internal void Feed(object? item, Action meanwhile)
    {
        foreach (ScriptJob child in _scripts)
            if (!IsOver(child)) child.Input!.Add(item);
        while (_scripts.Any(child => child.IsBehind)) meanwhile();
    }

    /// <summary>Nothing more comes.</summary>
    internal void CompleteInput()
    {
        foreach (ScriptJob child in _scripts) child.Input?.Items.Complete();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !_isDisposed)
        {
            _isDisposed = true;
            StopJob();
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
