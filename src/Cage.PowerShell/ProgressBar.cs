using System.Management.Automation;
using Cage.Engine.Roots;

namespace Cage.PowerShell;

/// <summary>The progress of a root that is filled, shown a few times a second.</summary>
/// <param name="cmdlet">Who shows it.</param>
/// <param name="activity">What is going on.</param>
internal sealed class ProgressBar(Cmdlet cmdlet, string activity) : IDisposable
{
    private const int Interval = 200;

    private long _next;

    public void Show(RootProgress progress)
    {
        if (Environment.TickCount64 < _next) return;
        _next = Environment.TickCount64 + Interval;
        cmdlet.WriteProgress(new ProgressRecord(0, activity, progress.Path) { PercentComplete = progress.All == 0 ? -1 : progress.Done * 100 / progress.All });
    }

    public void Dispose() => cmdlet.WriteProgress(new ProgressRecord(0, activity, "done") { RecordType = ProgressRecordType.Completed });
}
