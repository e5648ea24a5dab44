using System.Globalization;

namespace Cage.Engine;

/// <summary>Enumerations as they stand in cage.conf and on the command line.</summary>
public static class Words
{
    /// <summary>The name in lower case.</summary>
    public static string Word<T>(this T value)
        where T : struct, Enum => value.ToString().ToLower(CultureInfo.InvariantCulture);
}
