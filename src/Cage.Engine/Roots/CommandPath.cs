namespace Cage.Engine.Roots;

/// <summary>Where commands are looked for: the folders that a command in a cage has in its PATH, so that it is found there too, then those of the caller's.</summary>
/// <param name="root">The files.</param>
internal sealed class CommandPath(RootView root)
{
    /// <summary>The files.</summary>
    public RootView Root => root;

    /// <summary>The folders in order.</summary>
    public IReadOnlyList<string> Folders { get; } = [.. Usual().Concat(root.Path == "/" ? Callers() : []).Distinct()];

    /// <summary>The path of a command, or of a file that was named with a slash; null when it is not there.</summary>
    public string? Find(string command)
    {
        if (command.Length == 0) return null;
        if (command.StartsWith('/')) return root.Find(command).Status is null ? null : command;
        if (command.Contains('/')) return null;
        return Folders.Select(folder => RootView.Join(folder, command)).FirstOrDefault(IsProgram);
    }

    private bool IsProgram(string path) => root.Find(path) is { IsFile: true, Status.Mode: uint mode } && (mode & 0x49) != 0;

    private static string[] Usual() => Runtime.InsideEnvironment.DefaultPath.Split(':');

    private static IEnumerable<string> Callers() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Where(folder => folder.StartsWith('/')).Select(folder => folder.Length > 1 ? folder.TrimEnd('/') : folder);
}
