using System.Globalization;

namespace Cage.Engine.Store;

/// <summary>Amounts as users write them: bytes with K, M, G or T (powers of 1024), numbers with a decimal point.</summary>
public static class Quantity
{
    private const string Units = "KMGT";

    /// <summary>Understands <c>1048576</c>, <c>512M</c>, <c>1.5G</c>; a B or iB after the unit says the same.</summary>
    /// <returns>Null for what is no amount of bytes, or more than 8 EiB.</returns>
    public static long? Bytes(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        ReadOnlySpan<char> number = text.AsSpan();
        if (number.EndsWith("B", StringComparison.OrdinalIgnoreCase)) number = number[..^1];
        if (number.EndsWith("i", StringComparison.Ordinal)) number = number[..^1];
        int unit = number.IsEmpty ? -1 : Units.IndexOf(char.ToUpperInvariant(number[^1]));
        if (unit >= 0) number = number[..^1];
        if (!decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal value)) return null;
        for (int i = 0; i <= unit; i++)
        {
            if (value > long.MaxValue / 1024) return null;
            value *= 1024;
        }
        return value > long.MaxValue || value != decimal.Truncate(value) ? null : (long)value;
    }

    /// <summary>The shortest way to write <paramref name="bytes"/> that loses nothing: <c>512M</c>, <c>1000</c>.</summary>
    public static string Text(long bytes)
    {
        int unit = -1;
        while (bytes != 0 && bytes % 1024 == 0 && unit + 1 < Units.Length) (bytes, unit) = (bytes / 1024, unit + 1);
        return bytes.ToString(CultureInfo.InvariantCulture) + (unit < 0 ? "" : Units[unit].ToString());
    }
}
