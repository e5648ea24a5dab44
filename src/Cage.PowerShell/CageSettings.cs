using Cage.Engine;
using Cage.Engine.Store;

namespace Cage.PowerShell;

/// <summary>The parameters by which New-Cage and Set-Cage say what a cage may use.</summary>
internal interface ILimitParameters
{
    long? MemoryLimit { get; }

    long? SwapLimit { get; }

    decimal? CpuLimit { get; }

    int? CpuWeight { get; }

    int? ProcessLimit { get; }

    int? IOWeight { get; }
}

/// <summary>The parameters by which New-Cage and Set-Cage say what of the host a cage sees.</summary>
internal interface IShareParameters
{
    string[] Bind { get; }

    string[] Tmpfs { get; }
}

/// <summary>Turns parameters into what the engine takes.</summary>
internal static class CageSettings
{
    /// <summary>The names of <see cref="ILimitParameters"/>.</summary>
    public static readonly IReadOnlyList<string> LimitNames =
        [nameof(ILimitParameters.MemoryLimit), nameof(ILimitParameters.SwapLimit), nameof(ILimitParameters.CpuLimit), nameof(ILimitParameters.CpuWeight), nameof(ILimitParameters.ProcessLimit), nameof(ILimitParameters.IOWeight)];

    /// <summary>The names of <see cref="IShareParameters"/>.</summary>
    public static readonly IReadOnlyList<string> ShareNames = [nameof(IShareParameters.Bind), nameof(IShareParameters.Tmpfs)];

    /// <summary>What <see cref="IShareParameters.Bind"/> says.</summary>
    public static CageBind[] Binds(this IShareParameters given) => Parsed(given.Bind, nameof(given.Bind), CageBind.Parse);

    /// <summary>What <see cref="IShareParameters.Tmpfs"/> says.</summary>
    public static CageTmpfs[] TmpfsList(this IShareParameters given) => Parsed(given.Tmpfs, nameof(given.Tmpfs), CageTmpfs.Parse);

    private static T[] Parsed<T>(string[] texts, string parameter, Func<string, T> parse)
    {
        List<T> values = [];
        foreach (string text in texts)
        {
            try
            {
                values.Add(parse(text));
            }
            catch (FormatException e)
            {
                throw new CageException(CageError.CageArgumentInvalid, $"-{parameter} cannot be \"{text}\": {e.Message}.", target: text, inner: e);
            }
        }
        return [.. values];
    }

    /// <summary><paramref name="before"/> with what is given; null takes a limit away.</summary>
    public static CageLimits Limits(this ILimitParameters given, CageLimits before, Func<string, bool> isGiven) => new()
    {
        Memory = isGiven(nameof(given.MemoryLimit)) ? given.MemoryLimit : before.Memory,
        Swap = isGiven(nameof(given.SwapLimit)) ? given.SwapLimit : before.Swap,
        Cpu = isGiven(nameof(given.CpuLimit)) ? given.CpuLimit : before.Cpu,
        CpuWeight = isGiven(nameof(given.CpuWeight)) ? given.CpuWeight : before.CpuWeight,
        Processes = isGiven(nameof(given.ProcessLimit)) ? given.ProcessLimit : before.Processes,
        IoWeight = isGiven(nameof(given.IOWeight)) ? given.IOWeight : before.IoWeight,
    };
}
