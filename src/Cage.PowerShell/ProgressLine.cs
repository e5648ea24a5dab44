using System.Diagnostics;
using System.Management.Automation;

namespace Cage.PowerShell;

/// <summary>A cmdlet's line among the progress that is shown: once its work has taken a second in all, a few times a second.</summary>
/// <param name="cmdlet">The cmdlet.</param>
internal sealed class ProgressLine(PSCmdlet cmdlet)
{
    // PowerShell's own sources are numbered from 0 on.
    private const long FirstSource = 1L << 40;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(1), _interval = TimeSpan.FromMilliseconds(200);
    private static long _sources = FirstSource;

    private readonly long _source = Interlocked.Increment(ref _sources);
    private readonly Stopwatch _clock = new();
    private TimeSpan _next = _patience;
    private string? _activity;

    /// <summary>How long it is until it may be shown, 0 when it may.</summary>
    public TimeSpan Due => _next > _clock.Elapsed ? _next - _clock.Elapsed : TimeSpan.Zero;

    /// <summary>Work begins. What is done between one and the next, by others in the pipeline, does not count.</summary>
    public void Begin() => _clock.Start();

    public void Show(string activity, Standing standing)
    {
        _next = _clock.Elapsed + _interval;
        _activity = activity;
        cmdlet.CommandRuntime.WriteProgress(_source, new ProgressRecord(0, activity, standing.Status) { PercentComplete = standing.Percent, SecondsRemaining = standing.Seconds });
    }

    /// <summary>Work ends, and what was shown of it is taken away: by the host itself, since a cmdlet that is being stopped may write no more.</summary>
    public void End()
    {
        _clock.Stop();
        if (_activity is null) return;
        cmdlet.Host.UI.WriteProgress(_source, new ProgressRecord(0, _activity, "done") { RecordType = ProgressRecordType.Completed });
        _activity = null;
    }
}
