using System.Globalization;
using Cage.Interop;

namespace Cage.Engine.Roots;

/// <summary>One system call as strace(1) writes it with <c>-ttt -y</c>: <c>TIME CALL(ARGUMENTS) = RESULT ERRNO (TEXT)</c>.</summary>
/// <param name="Time">Seconds since 1970.</param>
/// <param name="Call">Its name.</param>
/// <param name="Path">The path that it is about, absolute where that can be known; null where it has none.</param>
/// <param name="Errno">The errno's name; null where it succeeded.</param>
/// <param name="Lists">Whether a folder is opened as such, to be listed.</param>
internal sealed record StraceLine(double Time, string Call, string? Path, string? Errno, bool Lists)
{
    /// <summary>Understands a line; null for what is no finished call.</summary>
    public static StraceLine? Parse(string line)
    {
        int space = line.IndexOf(' ');
        int open = line.IndexOf('(');
        if (space <= 0 || open < space || !double.TryParse(line.AsSpan(0, space), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double time)) return null;
        string call = line[(space + 1)..open];
        int result = line.LastIndexOf(") = ", StringComparison.Ordinal);
        if (result < 0 || !call.All(c => char.IsAsciiLetterOrDigit(c) || c == '_')) return null;
        string[] words = line[(result + 4)..].Split(' ', 3);
        if (words[0] == "?") return null;
        string? errno = words is ["-1", var name, ..] ? name : null;
        string arguments = line[(open + 1)..result];
        return new StraceLine(time, call, call == "connect" ? Address(arguments) : PathIn(arguments), errno, arguments.Contains("O_DIRECTORY", StringComparison.Ordinal));
    }

    /// <summary>The first text among the arguments; one that is relative is joined to the folder that strace tells before it.</summary>
    private static string? PathIn(string arguments)
    {
        int quote = arguments.IndexOf('"');
        if (quote < 0) return null;
        string path = Text(arguments.AsSpan(quote + 1));
        if (path.StartsWith('/')) return path;
        // openat(AT_FDCWD</root>, "file", …), newfstatat(3</usr/lib>, "file", …)
        int angle = arguments.IndexOf('<'), end = quote >= 3 ? arguments.LastIndexOf('>', quote) : -1;
        if (path.Length == 0 || angle < 0 || end < angle || arguments[angle + 1] != '/') return null;
        return RootView.Join(Text(arguments.AsSpan(angle + 1, end - angle - 1)), path);
    }

    private static string? Address(string arguments)
    {
        foreach (string key in (ReadOnlySpan<string>)["sun_path=@\"", "sun_path=\"", "inet_addr(\"", "inet_pton(AF_INET6, \""])
        {
            int at = arguments.IndexOf(key, StringComparison.Ordinal);
            if (at < 0) continue;
            string text = Text(arguments.AsSpan(at + key.Length));
            if (key.Contains('@')) return "@" + text;
            int port = arguments.IndexOf("_port=htons(", StringComparison.Ordinal);
            return port < 0 ? text : $"{text}:{arguments[(port + 12)..].Split(')')[0]}";
        }
        return null;
    }

    /// <summary>A text up to its closing quote, with C's escapes.</summary>
    private static string Text(ReadOnlySpan<char> quoted)
    {
        List<byte> bytes = [];
        for (int i = 0; i < quoted.Length && quoted[i] != '"'; i++)
        {
            if (quoted[i] != '\\' || i + 1 == quoted.Length)
            {
                bytes.AddRange(PathText.Encode(quoted[i].ToString()));
                continue;
            }
            char c = quoted[++i];
            if (c is >= '0' and <= '7')
            {
                int value = c - '0';
                for (int digits = 1; digits < 3 && i + 1 < quoted.Length && quoted[i + 1] is >= '0' and <= '7'; digits++) value = (value * 8) + (quoted[++i] - '0');
                bytes.Add((byte)value);
            }
            else
            {
                bytes.Add((byte)(c switch { 'n' => '\n', 't' => '\t', 'r' => '\r', 'v' => '\v', 'f' => '\f', _ => c }));
            }
        }
        return PathText.Decode([.. bytes]);
    }
}
