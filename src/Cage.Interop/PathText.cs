using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Cage.Interop;

/// <summary>
/// Paths between the kernel's bytes and .NET's strings without loss. A path is bytes, not text (path_resolution(7)); what is not UTF-8
/// becomes, byte by byte, a lone surrogate U+DC80 to U+DCFF, as in Python (PEP 383). With replacement, different paths would be the same.
/// </summary>
public static class PathText
{
    /// <summary>The string for <paramref name="path"/>. Where it is UTF-8, the very same text.</summary>
    public static string Decode(ReadOnlySpan<byte> path)
    {
        if (Utf8.IsValid(path)) return Encoding.UTF8.GetString(path);

        StringBuilder text = new(path.Length);
        Span<char> units = stackalloc char[2];
        while (!path.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(path, out Rune rune, out int consumed) == OperationStatus.Done)
                text.Append(units[..rune.EncodeToUtf16(units)]);
            else
                foreach (byte b in path[..consumed]) text.Append((char)(Escape + b));
            path = path[consumed..];
        }
        return text.ToString();
    }

    /// <summary>
    /// The bytes that <see cref="Decode"/> made <paramref name="text"/> of, without a NUL at the end. To be used where a path from the
    /// kernel goes back to it: marshalled as UTF-8, an escaped byte would become U+FFFD.
    /// </summary>
    public static byte[] Encode(string text)
    {
        if (IsPlain(text)) return Encoding.UTF8.GetBytes(text);

        ArrayBufferWriter<byte> bytes = new(text.Length * 3);
        for (ReadOnlySpan<char> rest = text; !rest.IsEmpty;)
        {
            OperationStatus status = Rune.DecodeFromUtf16(rest, out Rune rune, out int consumed);
            if (status != OperationStatus.Done && rest[0] is >= '\uDC80' and <= '\uDCFF')
                bytes.Write([(byte)(rest[0] - Escape)]);
            else
                bytes.Advance(rune.EncodeToUtf8(bytes.GetSpan(4)));
            rest = rest[consumed..];
        }
        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>As <see cref="Encode"/>, into <paramref name="buffer"/>; -1 where it does not fit, or has bytes that are no text.</summary>
    internal static int TryEncode(string text, Span<byte> buffer) => IsPlain(text) && Encoding.UTF8.TryGetBytes(text, buffer, out int length) ? length : -1;

    private static bool IsPlain(string text) => text.AsSpan().IndexOfAnyInRange((char)(Escape + 0x80), (char)(Escape + 0xFF)) < 0;

    private const int Escape = 0xDC00;
}
