using Cage.Engine.Store;

namespace Cage.Engine.Runtime;

/// <summary>The environment of a command in a cage: PATH, HOME, USER, SHELL, TERM, LANG, the cage's own, then the caller's wishes; nothing
/// else comes along (environ(7)).</summary>
internal static class InsideEnvironment
{
    public const string DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    public static IReadOnlyList<string> Build(Account account, CageRecord record, IReadOnlyList<string> wishes)
    {
        List<string> variables =
        [
            $"PATH={DefaultPath}", $"HOME={account.Home}", $"USER={account.Name}", $"SHELL={account.Shell}",
            $"TERM={Caller("TERM", "dumb")}", $"LANG={Caller("LANG", "C.UTF-8")}",
        ];
        foreach (string wish in record.Environment.Concat(wishes))
        {
            if (CageRecord.VariableProblem(wish) is string problem)
                throw new CageException(CageError.CageArgumentInvalid, $"\"{wish}\" cannot be in the environment: {problem}.", target: wish);
            string prefix = wish[..(wish.IndexOf('=') + 1)];
            variables.RemoveAll(variable => variable.StartsWith(prefix, StringComparison.Ordinal));
            variables.Add(wish);
        }
        return variables;
    }

    /// <summary>What <paramref name="command"/> may be, as execvp(3) looks for it: itself with a slash, else in each folder of PATH.</summary>
    public static IReadOnlyList<string> Candidates(string command, IReadOnlyList<string> environment)
    {
        if (command.Length == 0 || command.Contains('/')) return [command];
        string path = environment.FirstOrDefault(variable => variable.StartsWith("PATH=", StringComparison.Ordinal)) ?? "PATH=";
        return [.. path[5..].Split(':').Select(folder => folder.Length == 0 ? command : $"{folder}/{command}")];
    }

    private static string Caller(string name, string fallback) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : fallback;
}
