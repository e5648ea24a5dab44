using System.Diagnostics;
using System.Management.Automation;
using Cage.Engine.Roots;

namespace Cage.PowerShell;

/// <summary>The progress of a root that is filled, from its second second on, a few times a second.</summary>
/// <param name="cmdlet">Who shows it.</param>
/// <param name="activity">What is going on.</param>
internal sealed class ProgressBar(Cmdlet cmdlet, string activity) : IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(1), _interval = TimeSpan.FromMilliseconds(200);

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private TimeSpan _next = _patience;

    public void Show(RootProgress progress)
    {
        TimeSpan elapsed = _clock.Elapsed;
        if (elapsed < _next) return;
        _next = elapsed + _interval;
        bool isKnown = progress.Done > 0 && progress.All >= progress.Done;
        cmdlet.WriteProgress(new ProgressRecord(0, activity, progress.Path)
        {
            PercentComplete = isKnown ? progress.Done * 100 / progress.All : -1,
            SecondsRemaining = isKnown ? (int)(elapsed.TotalSeconds / progress.Done * (progress.All - progress.Done)) : -1,
        });
    }

    public void Dispose()
    {
        if (_next > _patience) cmdlet.WriteProgress(new ProgressRecord(0, activity, "done") { RecordType = ProgressRecordType.Completed });
    }
}
