using System.Text;

namespace Cage.Engine.Store;

/// <summary>A file, folder or socket of the host that a cage sees too: <c>SOURCE:TARGET[:OPTION,…]</c>. Of what is shared no setuid bit and no
/// device counts, unless an option says so.</summary>
/// <param name="Source">On the host: an absolute path without symbolic links.</param>
/// <param name="Target">In the cage: an absolute path, made where it is missing.</param>
public sealed record CageBind(string Source, string Target)
{
    private static readonly string[] _options = ["ro", "noexec", "suid", "dev", "idmap"];

    /// <summary>Whether the cage cannot write to it.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>Whether nothing in it can be executed.</summary>
    public bool NoExecute { get; init; }

    /// <summary>Whether setuid and setgid bits and file capabilities count.</summary>
    public bool AllowsSetuid { get; init; }

    /// <summary>Whether device nodes can be opened.</summary>
    public bool AllowsDevices { get; init; }

    /// <summary>Whether its files belong to the ids of the cage's user namespace: what is root's on the host is its root's, and what its root makes is root's on the host.</summary>
    public bool MapsOwners { get; init; }

    /// <summary>Understands one as it is written; <c>\:</c> and <c>\\</c> stand for a colon and a backslash in a path.</summary>
    /// <exception cref="FormatException">With what is wrong with it.</exception>
    public static CageBind Parse(string text) => Parse(text, folder: null);

    /// <summary>As <see cref="Parse(string)"/>, with a source that may be relative to a folder.</summary>
    /// <exception cref="FormatException">With what is wrong with it.</exception>
    public static CageBind Parse(string text, string? folder)
    {
        List<string> parts = Split(text);
        if (folder is not null && parts[0].Length > 0 && !parts[0].StartsWith('/')) parts[0] = Path.GetFullPath(parts[0], folder);
        if (parts.Count is < 2 or > 3) throw new FormatException("it is not SOURCE:TARGET or SOURCE:TARGET:OPTION,…");
        string[] options = parts.Count == 3 ? parts[2].Split(',') : [];
        if (options.FirstOrDefault(option => !_options.Contains(option)) is string unknown)
            throw new FormatException($"\"{unknown}\" is none of {string.Join(", ", _options)}");
        if (!IsPath(parts[0])) throw new FormatException($"the source \"{parts[0]}\" is not an absolute path");
        return new CageBind(Trim(parts[0]), TargetOf(parts[1]))
        {
            IsReadOnly = options.Contains("ro"),
            NoExecute = options.Contains("noexec"),
            AllowsSetuid = options.Contains("suid"),
            AllowsDevices = options.Contains("dev"),
            MapsOwners = options.Contains("idmap"),
        };
    }

    /// <summary>As it is written.</summary>
    public override string ToString()
    {
        bool[] given = [IsReadOnly, NoExecute, AllowsSetuid, AllowsDevices, MapsOwners];
        string options = string.Join(',', _options.Where((_, i) => given[i]));
        return $"{Escape(Source)}:{Escape(Target)}{(options.Length == 0 ? "" : $":{options}")}";
    }

    /// <summary>As the setting that asks for it.</summary>
    internal string Option => Face.Call($"--bind {this}", $"-Bind '{ToString().Replace("'", "''")}'");

    /// <summary>A place in a cage that something can be mounted on, with one slash between names and none at the end.</summary>
    internal static string TargetOf(string path)
    {
        if (!IsPath(path) || Trim(path) == "/") throw new FormatException($"the target \"{path}\" is not an absolute path in the cage");
        return Trim(path);
    }

    /// <summary>The parts between colons.</summary>
    internal static List<string> Split(string text)
    {
        List<string> parts = [];
        StringBuilder part = new();
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == ':') (_, part) = (Add(parts, part), new());
            else part.Append(text[i] == '\\' && i + 1 < text.Length && text[i + 1] is ':' or '\\' ? text[++i] : text[i]);
        }
        Add(parts, part);
        return parts;
    }

    internal static string Escape(string path) => path.Replace("\\", "\\\\").Replace(":", "\\:");

    private static int Add(List<string> parts, StringBuilder part)
    {
        parts.Add(part.ToString());
        return parts.Count;
    }

    private static bool IsPath(string path) => path.StartsWith('/') && !path.Split('/').Any(name => name is ".." or ".") && !path.Any(char.IsControl);

    private static string Trim(string path) => "/" + string.Join('/', path.Split('/', StringSplitOptions.RemoveEmptyEntries));
}

/// <summary>An empty tmpfs in a cage, gone when it stops: <c>TARGET[:SIZE]</c>.</summary>
/// <param name="Target">In the cage: an absolute path, made where it is missing.</param>
/// <param name="Size">How many bytes fit; null for half of the host's memory (tmpfs(5)).</param>
public sealed record CageTmpfs(string Target, long? Size)
{
    /// <summary>Understands one as it is written.</summary>
    /// <exception cref="FormatException">With what is wrong with it.</exception>
    public static CageTmpfs Parse(string text)
    {
        List<string> parts = CageBind.Split(text);
        if (parts.Count > 2) throw new FormatException("it is not TARGET or TARGET:SIZE");
        long? size = parts.Count == 1 ? null : Quantity.Bytes(parts[1]) is long bytes and > 0 ? bytes : throw new FormatException($"\"{parts[1]}\" is not a number of bytes, such as 64M");
        return new CageTmpfs(CageBind.TargetOf(parts[0]), size);
    }

    /// <summary>As it is written.</summary>
    public override string ToString() => CageBind.Escape(Target) + (Size is long bytes ? $":{Quantity.Text(bytes)}" : "");
}
