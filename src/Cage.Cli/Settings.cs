using Cage.Engine.Store;

namespace Cage.Cli;

/// <summary>The options by which new, set and run say what a cage may use.</summary>
internal static class Settings
{
    /// <summary>The options of <see cref="CageLimits.Keys"/>, in the same order.</summary>
    public static readonly IReadOnlyList<string> LimitOptions = ["--memory", "--swap", "--cpu", "--cpu-weight", "--processes", "--io-weight"];

    public const string Help = """
        LIMIT is one of these; "none" takes it away:
          --memory BYTES, --swap BYTES   512M, 2G…; what needs more memory is killed
          --cpu NUMBER                   processors' worth of time: 0.5 is half of one
          --processes NUMBER             processes and threads, the init included
          --cpu-weight N, --io-weight N  the share where time is short: 1 to 10000, others have 100
        """;

    /// <summary>The first of these options that is given, without its dashes; null without any.</summary>
    public static string? Given(Arguments arguments) => LimitOptions.FirstOrDefault(arguments.Has)?[2..];

    /// <summary><paramref name="before"/> with what is given.</summary>
    public static CageLimits Limits(Arguments arguments, CageLimits before)
    {
        for (int i = 0; i < LimitOptions.Count; i++)
        {
            if (arguments.Value(LimitOptions[i]) is not string value) continue;
            try
            {
                before = before.With(CageLimits.Keys[i], value);
            }
            catch (FormatException e)
            {
                throw new UsageException($"{LimitOptions[i]} cannot be \"{value}\": {e.Message}");
            }
        }
        return before;
    }
}
