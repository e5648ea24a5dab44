using Cage.Interop;

namespace Cage.Engine.Roots;

/// <summary>The first line of a script (execve(2), "Interpreter scripts").</summary>
internal static class ScriptLine
{
    /// <summary>As much of the line as the kernel reads (BINPRM_BUF_SIZE).</summary>
    private const int LineLimit = 256;

    /// <summary>What stands behind <c>#!</c>; null when there is none.</summary>
    public static string? Of(ReadOnlySpan<byte> head)
    {
        if (!head.StartsWith("#!"u8)) return null;
        ReadOnlySpan<byte> line = head[2..Math.Min(head.Length, LineLimit)];
        int end = line.IndexOf((byte)'\n');
        string text = PathText.Decode(end < 0 ? line : line[..end]).Trim(' ', '\t', '\r');
        return text.StartsWith('/') ? text : null;
    }

    /// <summary>The interpreter, and the one argument that the kernel makes of the rest.</summary>
    public static (string Interpreter, string? Argument) Split(string line)
    {
        int space = line.AsSpan().IndexOfAny(' ', '\t');
        return space < 0 ? (line, null) : (line[..space], line[space..].Trim(' ', '\t'));
    }

    /// <summary>The command that env(1) is asked to run; null where it is asked for none. Without <c>-S</c> the argument is one word, spaces or not.</summary>
    public static string? CommandOfEnv(string? argument)
    {
        if (argument is null) return null;
        if (!argument.StartsWith('-')) return argument.Contains('=') ? null : argument;
        string[] words = argument.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        int at = 0;
        for (bool split = false; at < words.Length; at++)
        {
            string word = words[at];
            if (word is "-S" or "--split-string" or "-vS") split = true;
            else if (word.StartsWith("-S", StringComparison.Ordinal)) return Word(word[2..]);
            else if (word.StartsWith("--split-string=", StringComparison.Ordinal)) return Word(word["--split-string=".Length..]);
            else if (word is "-u" or "-C" or "--unset" or "--chdir") at++;
            else if (!word.StartsWith('-') && !word.Contains('=')) return split ? Word(word) : null;
        }
        return null;
    }

    private static string? Word(string word) => word.Trim('"', '\'') is { Length: > 0 } plain && !plain.Contains('=') ? plain : null;
}
