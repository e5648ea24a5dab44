namespace Cage.Tests;

/// <summary>The native <c>cage</c> program under test: <c>CAGE_COMMAND</c>, else what build.sh or a publish has left.</summary>
public static class CageProgram
{
    private static readonly Lazy<string?> _path = new(Find);

    /// <summary>Its path; null where it was not built.</summary>
    public static string? Path => _path.Value;

    /// <summary>Its path, where a test cannot be reached without.</summary>
    public static string RequiredPath => Path ?? throw new InvalidOperationException("There is no cage program: build.sh build, or CAGE_COMMAND.");

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("CAGE_COMMAND") is { Length: > 0 } named) return File.Exists(named) ? named : null;
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (!File.Exists($"{folder.FullName}/Cage.slnx")) continue;
            return new[] { $"{folder.FullName}/out/bin/cage", $"{folder.FullName}/out/publish/cage" }.FirstOrDefault(File.Exists);
        }
        return null;
    }
}

/// <summary>A fact that needs root and the native <c>cage</c> program, a cage's init; without either it is counted as skipped and says so.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class CageFactAttribute : FactAttribute
{
    public CageFactAttribute() => Skip = CageNeeds.Missing;
}

/// <summary>A theory that needs what <see cref="CageFactAttribute"/> needs.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class CageTheoryAttribute : TheoryAttribute
{
    public CageTheoryAttribute() => Skip = CageNeeds.Missing;
}

internal static class CageNeeds
{
    public static string? Missing => !Environment.IsPrivilegedProcess ? "needs root" : CageProgram.Path is null ? "needs the cage program (build.sh build)" : null;
}
