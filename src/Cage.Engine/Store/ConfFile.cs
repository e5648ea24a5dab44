using System.Text;
using Cage.Interop;

namespace Cage.Engine.Store;

/// <summary>A cage.conf as it stands on disk: <c>key=value</c> lines and comments. What is not changed is written back to the letter.
/// A value is what the sed lines of the seed make of it: all after <c>=</c>, without a comment and the white space before that. [004]</summary>
public sealed class ConfFile
{
    private const int SizeLimit = 1 << 20;

    private static readonly UTF8Encoding _strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly List<Line> _lines = [];

    private ConfFile(string path) => Path = path;

    /// <summary>Where it is, or is to be.</summary>
    public string Path { get; }

    /// <summary>An empty one, to be filled and written to <paramref name="path"/>.</summary>
    public static ConfFile Empty(string path) => new(path);

    /// <summary>Reads <paramref name="path"/>.</summary>
    /// <exception cref="CageException">CageConfInvalid with file, line and key; CageStoreFailed when it cannot be read.</exception>
    public static ConfFile Read(string path) =>
        TryRead(path) ?? throw new CageException(CageError.CageConfInvalid, $"{path}: there is none (ENOENT).", "Restore it, or remove its folder.", path);

    /// <summary>As <see cref="Read"/>; null when there is none.</summary>
    public static ConfFile? TryRead(string path)
    {
        byte[] bytes;
        try
        {
            using Descriptor? file = Files.TryOpen(path, Files.O_RDONLY | Files.O_NONBLOCK);
            if (file is null) return null;
            bytes = Files.ReadAll(file, SizeLimit);
        }
        catch (LinuxException e) when (e.Number == Errno.EFBIG)
        {
            throw new CageException(CageError.CageConfInvalid, $"{path}: larger than {SizeLimit >> 20} MiB (EFBIG).", "That is no cage.conf.", path, e);
        }
        catch (LinuxException e)
        {
            throw CageException.Store("Reading", path, e);
        }
        return Parse(path, bytes);
    }

    /// <summary>Understands <paramref name="bytes"/> as the content of <paramref name="path"/>.</summary>
    /// <exception cref="CageException">CageConfInvalid with file, line and key.</exception>
    public static ConfFile Parse(string path, ReadOnlySpan<byte> bytes)
    {
        string text;
        try
        {
            text = _strictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException e)
        {
            throw new CageException(CageError.CageConfInvalid, $"{path}: not UTF-8 at byte {e.Index}.", "Save it as UTF-8.", path, e);
        }
        ConfFile file = new(path);
        if (text.Length == 0) return file;
        if (text.EndsWith('\n')) text = text[..^1];
        foreach (string line in text.Split('\n')) file._lines.Add(file.Understand(line, file._lines.Count + 1));
        return file;
    }

    /// <summary>The value of <paramref name="key"/>; null when no line has it.</summary>
    /// <exception cref="CageException">CageConfInvalid when two lines have it.</exception>
    public string? Value(string key)
    {
        Line? found = null;
        for (int i = 0; i < _lines.Count; i++)
        {
            if (_lines[i].Key != key) continue;
            if (found is not null) throw Invalid(key, "is there twice", i + 1);
            found = _lines[i];
        }
        return found?.Value;
    }

    /// <summary>The values of all lines that have <paramref name="key"/>, in order.</summary>
    public IEnumerable<string> Values(string key) => _lines.Where(line => line.Key == key).Select(line => line.Value);

    /// <summary>The keys that there are, each as often as it stands there.</summary>
    public IEnumerable<string> Keys() => _lines.Select(line => line.Key).OfType<string>();

    /// <summary>Gives <paramref name="key"/> a value where it stands, its comment kept, or at the end; null takes its line out.</summary>
    public void Set(string key, string? value) => Set(key, value is null ? [] : [value]);

    /// <summary>Gives <paramref name="key"/> these values, one a line, where its first line stands.</summary>
    public void Set(string key, IReadOnlyList<string> values)
    {
        if (Values(key).SequenceEqual(values)) return;
        int at = _lines.FindIndex(line => line.Key == key);
        string comment = at < 0 ? "" : _lines[at].Comment;
        if (at < 0) at = _lines.Count;
        _lines.RemoveAll(line => line.Key == key);
        if (comment.Length > 0 && values.Count > 0 && values[0].Length > 0 && IsSpace(values[0][^1]))
        {
            // White space before a comment is the comment's: this one gets a line of its own.
            _lines.Insert(at++, new Line(comment.TrimStart(), null, "", comment.TrimStart()));
            comment = "";
        }
        for (int i = 0; i < values.Count; i++)
        {
            string tail = i == 0 ? comment : "";
            _lines.Insert(at + i, new Line($"{key}={values[i]}{tail}", key, values[i], tail));
        }
    }

    /// <summary>Adds a comment line at the end.</summary>
    public void Comment(string text) => _lines.Add(new Line($"# {text}", null, "", ""));

    /// <summary>The whole file as it is to be written.</summary>
    public byte[] ToBytes() => _strictUtf8.GetBytes(string.Concat(_lines.Select(line => line.Text + "\n")));

    /// <summary>An error that names this file, the key and its line.</summary>
    public CageException Invalid(string key, string what, int? line = null, string? advice = null)
    {
        line ??= _lines.FindIndex(candidate => candidate.Key == key) + 1;
        string where = line > 0 ? $"{Path}, line {line}" : Path;
        return new CageException(CageError.CageConfInvalid, $"{where}: {key} {what}.", advice, Path);
    }

    private Line Understand(string line, int number)
    {
        int bad = line.AsSpan().IndexOfAnyInRange('\0', '\x1f');
        while (bad >= 0 && line[bad] == '\t') bad = line.AsSpan(bad + 1).IndexOfAnyInRange('\0', '\x1f') is int next and >= 0 ? bad + 1 + next : -1;
        if (bad >= 0)
            throw new CageException(CageError.CageConfInvalid, $"{Path}, line {number}: control character 0x{(int)line[bad]:x2}.", "Take it out.", Path);
        int hash = line.IndexOf('#');
        int end = hash < 0 ? line.Length : hash;
        if (hash >= 0)
            while (end > 0 && IsSpace(line[end - 1])) end--;
        int equals = line.AsSpan(0, end).IndexOf('=');
        if (equals > 0) return new Line(line, line[..equals], line[(equals + 1)..end], line[end..]);
        if (line.AsSpan(0, end).IsWhiteSpace()) return new Line(line, null, "", line);
        throw new CageException(
            CageError.CageConfInvalid, $"{Path}, line {number}: {line[..end].Trim()} has no {(equals == 0 ? "key" : "'='")}.", "Each line is key=value or a # comment.", Path);
    }

    /// <summary>What [[:space:]] matches in a UTF-8 locale of glibc: .NET's white space without the spaces that do not break.</summary>
    private static bool IsSpace(char c) => char.IsWhiteSpace(c) && c is not ('\u0085' or '\u00a0' or '\u2007' or '\u202f');

    private sealed record Line(string Text, string? Key, string Value, string Comment);
}
