using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Management.Automation;
using System.Runtime.ExceptionServices;
using Cage.Engine.Plans;
using Cage.Engine.Roots;
using Cage.Engine.Snapshots;

namespace Cage.PowerShell;

/// <summary>
/// What may last: it goes on a thread of its own, while the pipeline's, which alone may write, shows how far it is once that has taken a second,
/// and writes what the other hands it. The pipeline's thread never leaves before the other has ended: when the cmdlet is stopped, all is undone first.
/// </summary>
internal sealed class LongWork : IDisposable
{
    private readonly BlockingCollection<Post> _posts = [];
    private readonly CancellationTokenSource _stop;
    private readonly PSCmdlet _cmdlet;
    private readonly string _activity;
    private readonly ProgressLine _line;
    private readonly long _start = Stopwatch.GetTimestamp();
    private volatile Func<Standing>? _standing;

    /// <param name="cmdlet">Whose work it is.</param>
    /// <param name="activity">What is going on, such as "Stopping web".</param>
    /// <param name="line">Where it is shown.</param>
    /// <param name="stop">Is cancelled when the cmdlet is stopped.</param>
    public LongWork(PSCmdlet cmdlet, string activity, ProgressLine line, CancellationToken stop)
    {
        (_cmdlet, _activity, _line) = (cmdlet, activity, line);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(stop);
    }

    /// <summary>Whether each step is told of by a debug line.</summary>
    public bool TellsSteps { get; init; }

    /// <summary>Ends it.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>Does it, and returns when it has ended, whatever happens meanwhile.</summary>
    public T Run<T>(Func<LongWork, T> act)
    {
        T result = default!;
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                result = act(this);
            }
            catch (Exception e)
            {
                // The pipeline's thread throws it.
                failure = ExceptionDispatchInfo.Capture(e);
            }
            finally
            {
                _posts.CompleteAdding();
            }
        }) { IsBackground = true, Name = _activity };
        _line.Begin();
        thread.Start();
        try
        {
            Serve();
        }
        finally
        {
            thread.Join();
            _line.End();
        }
        failure?.Throw();
        return result;
    }

    /// <summary>For what the user should know though it goes on.</summary>
    public void Warn(string text) => Write(() => _cmdlet.WriteWarning(text));

    /// <summary>Writes an error that ends nothing.</summary>
    public void WriteError(ErrorRecord error) => Write(() => _cmdlet.WriteError(error));

    /// <summary>Writes an object.</summary>
    public void WriteObject(object value) => Write(() => _cmdlet.WriteObject(value));

    /// <summary>How far the filling of a root is.</summary>
    public void Show(RootProgress progress) => _standing = () => Standing.Of(progress.Path, progress.Done, Elapsed);

    /// <summary>How far the copy of a tree is.</summary>
    public void Show(CopyProgress progress) => _standing = () => new Standing(
        string.Create(CultureInfo.InvariantCulture, $"{progress.Files} files, {progress.Bytes >> 20} MiB, {progress.Rate / (1 << 20):0} MiB/s"), progress.Percent ?? -1, (int)Math.Ceiling(progress.Left?.TotalSeconds ?? -1));

    /// <summary>The step of a plan that begins.</summary>
    public void Show(Step step)
    {
        if (TellsSteps) Write(() => _cmdlet.WriteDebug($"{step.Side}: {step.Action}{(step.Target is null ? "" : $" {step.Target}")}"));
        TimeSpan begun = Elapsed;
        _standing = () => Standing.Within(step.Patience, Elapsed - begun, step.Action);
    }

    /// <summary>What it waits for, and for how long at most; null where nothing bounds it.</summary>
    public void Await(string what, TimeSpan? limit) => _standing = () => Standing.Within(limit, Elapsed, what);

    public void Dispose()
    {
        _posts.Dispose();
        _stop.Dispose();
    }

    private TimeSpan Elapsed => Stopwatch.GetElapsedTime(_start);

    /// <summary>Hands something to the pipeline's thread and waits until it is done there: what that throws (the stop of the pipeline, -WarningAction Stop) ends the work as well.</summary>
    private void Write(Action act)
    {
        using Post post = new(act);
        _posts.Add(post);
        post.Wait();
    }

    private void Serve()
    {
        ExceptionDispatchInfo? refusal = null;
        while (!_posts.IsCompleted)
        {
            if (_posts.TryTake(out Post? post, refusal is null ? (int)Math.Ceiling(_line.Due.TotalMilliseconds) : Timeout.Infinite)) post.Do();
            if (refusal is not null || _line.Due > TimeSpan.Zero) continue;
            try
            {
                _line.Show(_activity, _standing?.Invoke() ?? Standing.Within(null, Elapsed, ""));
            }
            catch (Exception e) when (e is PipelineStoppedException or ActionPreferenceStopException)
            {
                refusal = ExceptionDispatchInfo.Capture(e);
                _stop.Cancel();
            }
        }
        refusal?.Throw();
    }

    /// <summary>One thing to be written.</summary>
    private sealed class Post(Action act) : IDisposable
    {
        private readonly ManualResetEventSlim _done = new();
        private ExceptionDispatchInfo? _failure;

        public void Do()
        {
            try
            {
                act();
            }
            catch (Exception e)
            {
                // Whoever asked for it throws it.
                _failure = ExceptionDispatchInfo.Capture(e);
            }
            _done.Set();
        }

        public void Wait()
        {
            _done.Wait();
            _failure?.Throw();
        }

        public void Dispose() => _done.Dispose();
    }
}
