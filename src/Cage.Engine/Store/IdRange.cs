using System.Globalization;

namespace Cage.Engine.Store;

/// <summary>The host's ids, users and groups alike, that the ids of a cage from 0 on stand for (key <c>userns</c>; user_namespaces(7)).</summary>
/// <param name="First">Who its root is on the host; 0 for the first range that is free.</param>
/// <param name="Count">How many there are.</param>
public sealed record IdRange(uint First, uint Count)
{
    /// <summary>As many as a cage gets where nothing else is said: all that Debian's accounts use, nobody and nogroup included.</summary>
    public const uint DefaultCount = 65536;

    private const string AutoWord = "auto", NoneWord = "none", Low = "ids below 65536 are the host's own accounts";

    /// <summary>The words that stand for one.</summary>
    public static IReadOnlyList<string> Choices { get; } = [AutoWord, NoneWord];

    /// <summary>One that the store chooses, apart from those of its other cages.</summary>
    public static IdRange Auto { get; } = new(0, DefaultCount);

    /// <summary>Whether it is to be chosen.</summary>
    public bool IsAuto => First == 0;

    /// <summary>The first one after it.</summary>
    public ulong End => (ulong)First + Count;

    /// <summary>Whether an id of the cage has one that it stands for.</summary>
    public bool Has(uint id) => id < Count;

    /// <summary>Whether both have an id of the host.</summary>
    public bool Overlaps(IdRange other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return First < other.End && other.First < End;
    }

    /// <summary>Understands one as it is written: FIRST:COUNT, or FIRST alone for 65536 of them.</summary>
    /// <exception cref="FormatException">With what is wrong with it.</exception>
    public static IdRange Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split(':');
        if (parts.Length > 2 || Number(parts[0]) is not uint first || (parts.Length == 2 ? Number(parts[1]) : DefaultCount) is not uint count)
            throw new FormatException("it is not FIRST:COUNT, such as 1000000:65536");
        IdRange range = new(first, count);
        return (range.IsAuto ? Low : range.Problem()) is string problem ? throw new FormatException(problem) : range;
    }

    /// <summary>As <see cref="Parse"/>, and the words auto and none, in any case; null for none.</summary>
    /// <exception cref="FormatException">With what is wrong with it.</exception>
    public static IdRange? ParseChoice(string text) => text?.ToLowerInvariant() switch
    {
        "" or AutoWord => Auto,
        NoneWord => null,
        _ => Parse(text!),
    };

    /// <summary>Says why it cannot be; null when it can.</summary>
    internal string? Problem() =>
        Count == 0 ? "it has no id"
        : !IsAuto && First < DefaultCount ? Low
        : End > uint.MaxValue ? "it goes beyond the last id, 4294967294"
        : null;

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{First}:{Count}");

    private static uint? Number(string text) => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number) ? number : null;
}
