using System.Text;

namespace Cage.Engine.Store;

/// <summary>How free text stands in a cage.conf value: <c>\\</c>, <c>\n</c> and <c>\x23</c> for a backslash, a newline and <c>#</c>, which
/// the seed's sed would take for a comment. For memo and our own keys. [004]</summary>
public static class ConfText
{
    /// <summary>As it is written.</summary>
    public static string Escape(string text) => text.Replace("\\", "\\\\").Replace("\n", "\\n").Replace("#", "\\x23");

    /// <summary>As it is meant. A backslash before anything else stays, since hands wrote some of these files.</summary>
    public static string Unescape(string value)
    {
        if (!value.Contains('\\')) return value;
        StringBuilder text = new(value.Length);
        for (int i = 0; i < value.Length; i++)
        {
            ReadOnlySpan<char> rest = value.AsSpan(i);
            if (rest.StartsWith(@"\\")) (_, i) = (text.Append('\\'), i + 1);
            else if (rest.StartsWith(@"\n")) (_, i) = (text.Append('\n'), i + 1);
            else if (rest.StartsWith(@"\x23")) (_, i) = (text.Append('#'), i + 3);
            else text.Append(value[i]);
        }
        return text.ToString();
    }
}
