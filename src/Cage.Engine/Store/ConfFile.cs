using System.Text;
using Cage.Interop;

namespace Cage.Engine.Store;

/// <summary>A cage.conf as it stands on disk: <c>key=value</c> lines and comments. What is not changed is written back to the letter.
/// A value is what the sed lines of the seed make of it: all after <c>=</c>, without a comment and the white space before that. [004]</summary>
public sealed class ConfFile
{
    private const int SizeLimit = 1 << 20, PageSize = 4096;

    private static readonly UTF8Encoding _strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly List<Line> _lines;

    private ConfFile(string path, int lines = 0) => (Path, _lines) = (path, new List<Line>(lines));

    /// <summary>Where it is, or is to be.</summary>
    public string Path { get; }

    /// <summary>An empty one, to be filled and written to <paramref name="path"/>.</summary>
    public static ConfFile Empty(string path) => new(path);

    /// <summary>Reads <paramref name="path"/>.</summary>
    /// <exception cref="CageException">CageConfInvalid with file, line and key; CageStoreFailed when it cannot be read.</exception>
    public static ConfFile Read(string path) =>
        TryRead(path) ?? throw new CageException(CageError.CageConfInvalid, $"{path}: there is none (ENOENT).", "Restore it, or remove its folder.", path);

    /// <summary>As <see cref="Read"/>; null when there is none.</summary>
    public static ConfFile? TryRead(string path) => TryRead(null, path, path);

    /// <summary>As <see cref="TryRead(string)"/>, of <paramref name="name"/> below an open directory.</summary>
    internal static ConfFile? TryRead(Descriptor? directory, string name, string path)
    {
        Span<byte> page = stackalloc byte[PageSize];
        scoped ReadOnlySpan<byte> bytes;
        try
        {
            using Descriptor? file = Files.TryOpenAt(directory, name, Files.O_RDONLY | Files.O_NONBLOCK);
            if (file is null) return null;
            // Less than was asked for ends a file, and nearly every one is shorter: a second read to be told so would cost as much as the first.
            int length = Files.Read(file, page);
            bytes = length < PageSize ? page[..length] : (byte[])[.. page, .. Files.ReadAll(file, SizeLimit - PageSize)];
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
        ReadOnlyMemory<char> rest;
        try
        {
            rest = _strictUtf8.GetString(bytes).AsMemory();
        }
        catch (DecoderFallbackException e)
        {
            throw new CageException(CageError.CageConfInvalid, $"{path}: not UTF-8 at byte {e.Index}.", "Save it as UTF-8.", path, e);
        }
        ConfFile file = new(path, bytes.Count((byte)'\n') + 1);
        while (!rest.IsEmpty)
        {
            int end = rest.Span.IndexOf('\n');
            file._lines.Add(file.Understand(end < 0 ? rest : rest[..end], file._lines.Count + 1));
            rest = end < 0 ? default : rest[(end + 1)..];
        }
        return file;
    }

    /// <summary>The value of <paramref name="key"/>; null when no line has it.</summary>
    /// <exception cref="CageException">CageConfInvalid when two lines have it.</exception>
    public string? Value(string key)
    {
        int found = -1;
        for (int i = 0; i < _lines.Count; i++)
        {
            if (!_lines[i].Has(key)) continue;
            if (found >= 0) throw Invalid(key, "is there twice", i + 1);
            found = i;
        }
        return found < 0 ? null : _lines[found].Value.ToString();
    }

    /// <summary>The values of all lines that have <paramref name="key"/>, in order.</summary>
    public IEnumerable<string> Values(string key)
    {
        foreach (Line line in _lines)
            if (line.Has(key)) yield return line.Value.ToString();
    }

    /// <summary>The keys that there are, each as often as it stands there.</summary>
    public IEnumerable<string> Keys()
    {
        foreach (Line line in _lines)
            if (!line.Key.IsEmpty) yield return line.Key.ToString();
    }

    /// <summary>Gives <paramref name="key"/> a value where it stands, its comment kept, or at the end; null takes its line out.</summary>
    public void Set(string key, string? value) => Set(key, value is null ? [] : [value]);

    /// <summary>Gives <paramref name="key"/> these values, one a line, where its first line stands.</summary>
    public void Set(string key, IReadOnlyList<string> values)
    {
        if (Values(key).SequenceEqual(values)) return;
        int at = _lines.FindIndex(line => line.Has(key));
        string comment = at < 0 ? "" : _lines[at].Comment.ToString();
        if (at < 0) at = _lines.Count;
        _lines.RemoveAll(line => line.Has(key));
        if (comment.Length > 0 && values.Count > 0 && values[0].Length > 0 && IsSpace(values[0][^1]))
        {
            // White space before a comment is the comment's: this one gets a line of its own.
            _lines.Insert(at++, Line.Remark(comment.TrimStart().AsMemory()));
            comment = "";
        }
        for (int i = 0; i < values.Count; i++)
        {
            string tail = i == 0 ? comment : "";
            _lines.Insert(at + i, new Line($"{key}={values[i]}{tail}".AsMemory(), key.Length, key.Length + 1 + values[i].Length));
        }
    }

    /// <summary>Adds a comment line at the end.</summary>
    public void Comment(string text) => _lines.Add(Line.Remark($"# {text}".AsMemory()));

    /// <summary>The whole file as it is to be written.</summary>
    public byte[] ToBytes() => _strictUtf8.GetBytes(string.Concat(_lines.ConvertAll(line => $"{line.Text}\n")));

    /// <summary>An error that names this file, the key and its line.</summary>
    public CageException Invalid(string key, string what, int? line = null, string? advice = null)
    {
        line ??= _lines.FindIndex(candidate => candidate.Has(key)) + 1;
        string where = line > 0 ? $"{Path}, line {line}" : Path;
        return new CageException(CageError.CageConfInvalid, $"{where}: {key} {what}.", advice, Path);
    }

    private Line Understand(ReadOnlyMemory<char> text, int number)
    {
        ReadOnlySpan<char> line = text.Span;
        int bad = line.IndexOfAnyInRange('\0', '\x1f');
        while (bad >= 0 && line[bad] == '\t') bad = line[(bad + 1)..].IndexOfAnyInRange('\0', '\x1f') is int next and >= 0 ? bad + 1 + next : -1;
        if (bad >= 0)
            throw new CageException(CageError.CageConfInvalid, $"{Path}, line {number}: control character 0x{(int)line[bad]:x2}.", "Take it out.", Path);
        int hash = line.IndexOf('#');
        int end = hash < 0 ? line.Length : hash;
        if (hash >= 0)
            while (end > 0 && IsSpace(line[end - 1])) end--;
        int equals = line[..end].IndexOf('=');
        if (equals > 0) return new Line(text, equals, end);
        if (line[..end].IsWhiteSpace()) return Line.Remark(text);
        throw new CageException(
            CageError.CageConfInvalid, $"{Path}, line {number}: {line[..end].Trim()} has no {(equals == 0 ? "key" : "'='")}.", "Each line is key=value or a # comment.", Path);
    }

    /// <summary>What [[:space:]] matches in a UTF-8 locale of glibc: .NET's white space without the spaces that do not break.</summary>
    private static bool IsSpace(char c) => char.IsWhiteSpace(c) && c is not ('\u0085' or '\u00a0' or '\u2007' or '\u202f');

    /// <summary>A line, of which parts are made to strings only when they are asked for.</summary>
    /// <param name="Text">All of it.</param>
    /// <param name="KeyEnd">Where its <c>=</c> is; -1 for one without a key.</param>
    /// <param name="End">Where its value ends.</param>
    private readonly record struct Line(ReadOnlyMemory<char> Text, int KeyEnd, int End)
    {
        public ReadOnlyMemory<char> Key => Text[..Math.Max(0, KeyEnd)];

        public ReadOnlyMemory<char> Value => Text[(KeyEnd + 1)..End];

        public ReadOnlyMemory<char> Comment => Text[End..];

        /// <summary>One without a key.</summary>
        public static Line Remark(ReadOnlyMemory<char> text) => new(text, -1, 0);

        public bool Has(string key) => KeyEnd == key.Length && Text.Span.StartsWith(key);
    }
}
