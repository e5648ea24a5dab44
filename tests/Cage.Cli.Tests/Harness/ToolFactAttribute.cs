namespace Cage.Cli.Tests;

/// <summary>A theory that needs root and these programs, which build.sh installs; without, it is counted as skipped and says so.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ToolTheoryAttribute : TheoryAttribute
{
    public ToolTheoryAttribute(params string[] tools) => Skip = Tools.WhyNot(tools);
}

/// <summary>A fact, as <see cref="ToolTheoryAttribute"/>.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ToolFactAttribute : FactAttribute
{
    public ToolFactAttribute(params string[] tools) => Skip = Tools.WhyNot(tools);
}

internal static class Tools
{
    private static readonly string[] _folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

    public static string? WhyNot(string[] tools) =>
        !Environment.IsPrivilegedProcess ? "needs root"
        : tools.FirstOrDefault(tool => !_folders.Any(folder => File.Exists($"{folder}/{tool}"))) is string missing ? $"needs {missing}"
        : null;
}
