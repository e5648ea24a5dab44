using System.Globalization;

namespace Cage.Engine.State;

/// <summary>Turns clock ticks since boot into a time of day.</summary>
internal static class BootClock
{
    // USER_HZ is 100 on x86-64 and arm64, whatever the kernel's own HZ (time(7)).
    private const long MillisecondsPerTick = 10;

    private static readonly Lazy<DateTimeOffset> _boot = new(ReadBoot);

    public static DateTimeOffset ToTime(ulong ticks) => _boot.Value.AddMilliseconds(ticks * MillisecondsPerTick);

    /// <summary>btime of proc_stat(5), as ps(1) has it: whole seconds only, but the same for whoever asks, and whenever.</summary>
    private static DateTimeOffset ReadBoot()
    {
        const string Key = "btime ";
        string line = File.ReadLines("/proc/stat").First(line => line.StartsWith(Key, StringComparison.Ordinal));
        return DateTimeOffset.FromUnixTimeSeconds(long.Parse(line.AsSpan(Key.Length), NumberStyles.None, CultureInfo.InvariantCulture)).ToLocalTime();
    }
}
