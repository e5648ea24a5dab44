using System.Globalization;

namespace Cage.PowerShell;

/// <summary>How far something is, as a progress record has it.</summary>
/// <param name="Status">What is being done.</param>
/// <param name="Percent">0 to 100; -1 where it is not known.</param>
/// <param name="Seconds">How long it still takes, or may take at most; -1 where it is not known.</param>
internal readonly record struct Standing(string Status, int Percent, int Seconds)
{
    /// <summary>Of what has been done in part: the rest takes its time at the same pace.</summary>
    public static Standing Of(string status, double? done, TimeSpan elapsed) => done is > 0 and <= 1
        ? new Standing(status, (int)(100 * done), (int)Math.Ceiling((elapsed / done.Value - elapsed).TotalSeconds))
        : new Standing(status, -1, -1);

    /// <summary>Of a waiting, which says how long it has taken where it may take for ever.</summary>
    public static Standing Within(TimeSpan? limit, TimeSpan elapsed, string what)
    {
        if (limit is TimeSpan most && most > TimeSpan.Zero)
            return new Standing(what, (int)Math.Min(100, 100 * (elapsed / most)), (int)Math.Max(0, Math.Ceiling((most - elapsed).TotalSeconds)));
        string since = string.Create(CultureInfo.InvariantCulture, $"since {elapsed.TotalSeconds:0} s");
        return new Standing(what.Length == 0 ? since : $"{what}, {since}", -1, -1);
    }
}
