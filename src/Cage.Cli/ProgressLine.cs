using System.Diagnostics;
using System.Globalization;
using Cage.Engine.Snapshots;

namespace Cage.Cli;

/// <summary>How far a long copy is: one line of a terminal, written over and taken away at the end. Nothing where standard error is none.</summary>
internal sealed class ProgressLine : IDisposable
{
    private const string Clear = "\r\x1b[K";

    private static readonly TimeSpan _silence = TimeSpan.FromSeconds(1);

    private readonly bool _isTerminal = !Console.IsErrorRedirected;
    private long _last = Stopwatch.GetTimestamp();
    private bool _isShown;

    public void Show(CopyProgress progress)
    {
        if (!_isTerminal || Stopwatch.GetElapsedTime(_last) < _silence) return;
        _last = Stopwatch.GetTimestamp();
        _isShown = true;
        string part = progress is { Percent: int percent, Left: TimeSpan left } ? string.Create(CultureInfo.InvariantCulture, $"  {percent}%  {left:h\\:mm\\:ss} left") : "";
        Console.Error.Write(string.Create(CultureInfo.InvariantCulture, $"{Clear}{progress.Files} files  {progress.Bytes >> 20} MiB  {progress.Rate / (1 << 20):0} MiB/s{part}"));
    }

    public void Dispose()
    {
        if (_isShown) Console.Error.Write(Clear);
    }
}
