using System.Globalization;

namespace Cage.Engine.State;

/// <summary>Turns clock ticks since boot into a time of day.</summary>
internal static class BootClock
{
    // USER_HZ is 100 on x86-64 and arm64, whatever the kernel's own HZ (time(7)).
    private const double TicksPerSecond = 100;

    private static readonly Lazy<DateTimeOffset> _boot = new(ReadBoot);

    public static DateTimeOffset ToTime(ulong ticks) => _boot.Value.AddSeconds(ticks / TicksPerSecond);

    /// <summary>/proc/stat's btime has whole seconds only: the uptime is finer.</summary>
    private static DateTimeOffset ReadBoot()
    {
        string uptime = File.ReadAllText("/proc/uptime").Split(' ')[0];
        return DateTimeOffset.Now.AddSeconds(-double.Parse(uptime, CultureInfo.InvariantCulture));
    }
}
