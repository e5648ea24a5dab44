using System.Globalization;

namespace Cage.Engine.Store;

/// <summary>What all processes of a cage together may use; null means no limit. The kernel keeps to it by control groups
/// (Documentation/admin-guide/cgroup-v2.rst).</summary>
public sealed record CageLimits
{
    /// <summary>No limit at all.</summary>
    public static readonly CageLimits None = new();

    /// <summary>The words for them, in the order in which they are shown: keys of cage.conf.</summary>
    public static readonly IReadOnlyList<string> Keys = ["memory", "swap", "cpu", "cpuweight", "processes", "ioweight"];

    /// <summary>Bytes of memory, page cache included; what needs more is killed.</summary>
    public long? Memory { get; init; }

    /// <summary>Bytes of swap besides; 0 for none.</summary>
    public long? Swap { get; init; }

    /// <summary>Processors' worth of time: 0.5 is half of one, 2 is two.</summary>
    public decimal? Cpu { get; init; }

    /// <summary>The share of processor time where it is short, against the 100 that others have: 1 to 10000.</summary>
    public int? CpuWeight { get; init; }

    /// <summary>Processes and threads, the cage's init included.</summary>
    public int? Processes { get; init; }

    /// <summary>The share of disk time where it is short, against the 100 that others have: 1 to 10000.</summary>
    public int? IoWeight { get; init; }

    /// <summary>Whether there is none.</summary>
    public bool IsEmpty => this == None;

    /// <summary>The one that <paramref name="key"/> names, as it is written; null where there is none.</summary>
    public string? Text(string key) => key switch
    {
        "memory" => Memory is long bytes ? Quantity.Text(bytes) : null,
        "swap" => Swap is long bytes ? Quantity.Text(bytes) : null,
        "cpu" => Cpu?.ToString(CultureInfo.InvariantCulture),
        "cpuweight" => CpuWeight?.ToString(CultureInfo.InvariantCulture),
        "processes" => Processes?.ToString(CultureInfo.InvariantCulture),
        "ioweight" => IoWeight?.ToString(CultureInfo.InvariantCulture),
        _ => throw new ArgumentException($"There is no limit {key}.", nameof(key)),
    };

    /// <summary>The same with another value for <paramref name="key"/>; <c>none</c> takes it away.</summary>
    /// <exception cref="FormatException">With what is wrong with it.</exception>
    public CageLimits With(string key, string value)
    {
        bool none = value == "none";
        CageLimits changed = key switch
        {
            "memory" => this with { Memory = none ? null : Bytes(value) },
            "swap" => this with { Swap = none ? null : Bytes(value) },
            "cpu" => this with { Cpu = none ? null : decimal.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal cpus) ? cpus : throw new FormatException("it is not a number, such as 0.5") },
            "cpuweight" => this with { CpuWeight = none ? null : Number(value) },
            "processes" => this with { Processes = none ? null : Number(value) },
            "ioweight" => this with { IoWeight = none ? null : Number(value) },
            _ => throw new ArgumentException($"There is no limit {key}.", nameof(key)),
        };
        return changed.Problem(key) is string problem ? throw new FormatException(problem) : changed;
    }

    /// <summary>Says what is wrong with the first of them that cannot be; null when all can.</summary>
    public (string Key, string Problem)? Problem()
    {
        foreach (string key in Keys)
            if (Problem(key) is string problem) return (key, problem);
        return null;
    }

    /// <inheritdoc/>
    public override string ToString() => string.Join(", ", Keys.Where(key => Text(key) is not null).Select(key => $"{key} {Text(key)}"));

    private string? Problem(string key) => key switch
    {
        "memory" when Memory < 1 << 20 => "it is less than 1M, which no init can live in",
        "swap" when Swap < 0 => "it is less than 0",
        "cpu" when Cpu is < 0.01m or > 10000m => "it is not from 0.01 to 10000 processors",
        "cpuweight" when CpuWeight is < 1 or > 10000 => "it is not from 1 to 10000",
        "ioweight" when IoWeight is < 1 or > 10000 => "it is not from 1 to 10000",
        "processes" when Processes is < 2 or > 4194304 => "it is not from 2 to 4194304",
        _ => null,
    };

    private static long Bytes(string value) => Quantity.Bytes(value) ?? throw new FormatException("it is not a number of bytes, such as 512M");

    private static int Number(string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : throw new FormatException("it is not a whole number");

    internal static CageLimits From(ConfFile file)
    {
        CageLimits limits = None;
        foreach (string key in Keys)
        {
            if (file.Value(key) is not string value) continue;
            try
            {
                limits = limits.With(key, value);
            }
            catch (FormatException e)
            {
                throw file.Invalid(key, $"is \"{value}\": {e.Message}");
            }
        }
        return limits;
    }

    /// <summary>An equal value in other words, as a hand may have written it, stays as it is.</summary>
    internal void WriteTo(ConfFile file)
    {
        CageLimits written = From(file);
        foreach (string key in Keys)
            if (written.Text(key) != Text(key)) file.Set(key, Text(key));
    }
}
