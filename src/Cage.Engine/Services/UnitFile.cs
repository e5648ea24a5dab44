using System.Text.RegularExpressions;

namespace Cage.Engine.Services;

/// <summary>A systemd service unit (systemd.service(5), systemd.exec(5)), as far as it says what to run: understood word by word, never by a shell.
/// What stands in it and is not understood is refused by its name, since a service without it would be another one.</summary>
public static partial class UnitFile
{
    /// <summary>What a cage does in its own way: how a service is stopped, reloaded, and where its output goes.</summary>
    private static readonly string[] _ours =
    [
        "ExecReload", "ExecStop", "ExecStopPost", "TimeoutStartSec", "TimeoutStopSec", "TimeoutSec", "RestartSec", "KillMode", "KillSignal", "SendSIGKILL", "SendSIGHUP",
        "StandardInput", "StandardOutput", "StandardError", "SyslogIdentifier", "RemainAfterExit", "GuessMainPID",
    ];

    private static readonly string[] _kinds = ["simple", "forking", "oneshot"], _policies = ["no", "on-failure", "always"];

    /// <summary>Understands a unit.</summary>
    /// <param name="name">The service's name.</param>
    /// <param name="text">The file's content.</param>
    /// <param name="path">Where it came from, for messages.</param>
    /// <param name="ignored">Directives to be left out, by name.</param>
    /// <param name="aside">Is told of each directive that is left out, with its line.</param>
    /// <exception cref="CageException">CageArgumentInvalid: file, line, and the directive or value that is not supported.</exception>
    public static ServiceSpec Parse(string name, string text, string path, IReadOnlyCollection<string>? ignored = null, Action<string>? aside = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        Dictionary<string, List<(string Value, int Line)>> values = new(StringComparer.Ordinal);
        foreach (var (key, value, line) in Directives(text, path))
        {
            if (ignored?.Contains(key, StringComparer.OrdinalIgnoreCase) == true || _ours.Contains(key)) aside?.Invoke($"{path}:{line}: {key}= is left out.");
            else if (value.Length == 0) values.Remove(key);
            else (values.TryGetValue(key, out var list) ? list : values[key] = []).Add((value, line));
        }
        CageException Wrong(string key, int line, string what) => new(
            CageError.CageArgumentInvalid, $"{path}:{line}: {key}= {what}.", "Name it to be left out (-IgnoreDirective), where the service can do without.", path);
        (string Value, int Line)? Take(string key) => values.Remove(key, out var list) ? list[^1] : null;
        int Word(string key, string[] words) => Take(key) is not var (value, line) ? 0
            : Array.IndexOf(words, value) is int found and >= 0 ? found : throw Wrong(key, line, $"is {value}; supported are {string.Join(", ", words)}");

        if (values.TryGetValue("Type", out var types) && types[^1].Value == "exec") types[^1] = ("simple", types[^1].Line);
        ServiceKind kind = (ServiceKind)Word("Type", _kinds);
        RestartPolicy restart = (RestartPolicy)Word("Restart", _policies);
        List<string> environment = [];
        foreach (var (value, line) in values.Remove("Environment", out var assignments) ? assignments : [])
            environment.AddRange(UnitWords.Split(value, problem => Wrong("Environment", line, problem)));
        IReadOnlyList<ServiceCommand> Commands(string key) =>
            [.. (values.Remove(key, out var list) ? list : []).Select(entry => Command(entry.Value, environment, problem => Wrong(key, entry.Line, problem)))];
        IReadOnlyList<ServiceCommand> before = Commands("ExecStartPre"), commands = Commands("ExecStart");
        string? user = Take("User")?.Value, group = Take("Group")?.Value, directory = Take("WorkingDirectory")?.Value.TrimStart('-'), pidFile = Take("PIDFile")?.Value;
        foreach (var (key, list) in values) throw Wrong(key, list[0].Line, "is not supported");
        if (commands.Count == 0) throw new CageException(CageError.CageArgumentInvalid, $"{path}: no ExecStart=: nothing is to be run.", target: path);
        if (commands.Count > 1 && kind != ServiceKind.OneShot)
            throw new CageException(
                CageError.CageArgumentInvalid, $"{path}: several ExecStart= go with Type=oneshot only.", target: path);
        if (kind == ServiceKind.Forking && pidFile is null)
            throw new CageException(
                CageError.CageArgumentInvalid, $"{path}: Type=forking without PIDFile=: nothing says which process it is.", "Add PIDFile= to the unit, or run it in the foreground with Start-CageProcess.", path);
        return new ServiceSpec
        {
            Name = name,
            Kind = kind,
            Before = before,
            Commands = commands,
            Restart = kind == ServiceKind.OneShot ? RestartPolicy.None : restart,
            PidFile = kind == ServiceKind.Forking ? pidFile!.StartsWith('/') ? pidFile : $"/run/{pidFile}" : null,
            User = group is null ? user : $"{user ?? "root"}:{group}",
            // systemd's default is the root; ~ is the home, which is ours.
            Directory = directory is null ? "/" : directory == "~" ? null : directory,
            Environment = environment,
        };
    }

    private static ServiceCommand Command(string line, IReadOnlyList<string> environment, Func<string, CageException> wrong)
    {
        bool mayFail = line[0] == '-';
        if (mayFail) line = line[1..];
        if (line.Length > 0 && "@:+!|".Contains(line[0])) throw wrong($"begins with '{line[0]}', which is not supported");
        List<string> words = [.. UnitWords.Split(line, wrong).SelectMany(word => UnitWords.Expand(word, environment))];
        if (words.Contains(";")) throw wrong("has several commands, which is not supported");
        if (words.Count == 0 || !words[0].StartsWith('/')) throw wrong("has no absolute path of a program");
        return new ServiceCommand(words, mayFail);
    }

    /// <summary>What stands in [Service]; the other sections are about when, not what. A backslash at its end continues a line.</summary>
    private static IEnumerable<(string Key, string Value, int Line)> Directives(string text, string path)
    {
        string[] lines = text.Split('\n');
        string section = "";
        for (int i = 0; i < lines.Length; i++)
        {
            int number = i + 1;
            string line = lines[i].Trim();
            if (line.Length == 0 || line[0] is '#' or ';') continue;
            while (line.EndsWith('\\') && i + 1 < lines.Length)
            {
                string next = lines[++i].Trim();
                if (next.Length > 0 && next[0] is '#' or ';') continue;
                line = $"{line[..^1].TrimEnd()} {next}";
            }
            if (line[0] == '[') section = line;
            else if (section == "[Service]")
            {
                Match match = Assignment().Match(line);
                if (!match.Success) throw new CageException(CageError.CageArgumentInvalid, $"{path}:{number}: {line} has no '='.", target: path);
                yield return (match.Groups[1].Value, match.Groups[2].Value, number);
            }
        }
    }

    [GeneratedRegex(@"^([A-Za-z0-9-]+)\s*=\s*(.*)$")]
    private static partial Regex Assignment();
}
