namespace Cage.Cli;

/// <summary>What is said to the user, on standard error; standard output is for data.</summary>
internal static class Messages
{
    public static void Error(string text) => Console.Error.WriteLine($"cage: {text}");

    public static void Warning(string text) => Console.Error.WriteLine($"cage: warning: {text}");
}
