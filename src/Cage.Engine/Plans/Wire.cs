using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Cage.Engine.Plans;

/// <summary>Values as bytes for the stages' messages: 32- and 64-bit little-endian numbers, texts with their length before them.</summary>
internal sealed class WireWriter
{
    private readonly ArrayBufferWriter<byte> _buffer = new(1024);

    public ReadOnlySpan<byte> Bytes => _buffer.WrittenSpan;

    public WireWriter Number(long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        _buffer.Write(bytes);
        return this;
    }

    public WireWriter Text(string? value)
    {
        if (value is null) return Number(-1);
        byte[] bytes = Encoding.UTF8.GetBytes(value);
        Number(bytes.Length);
        _buffer.Write(bytes);
        return this;
    }

    public WireWriter Texts(IReadOnlyList<string> values)
    {
        Number(values.Count);
        foreach (string value in values) Text(value);
        return this;
    }
}

/// <summary>Reads what <see cref="WireWriter"/> wrote.</summary>
internal ref struct WireReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public long Number()
    {
        long value = BinaryPrimitives.ReadInt64LittleEndian(_rest);
        _rest = _rest[8..];
        return value;
    }

    public string? OptionalText()
    {
        int length = (int)Number();
        if (length < 0) return null;
        string value = Encoding.UTF8.GetString(_rest[..length]);
        _rest = _rest[length..];
        return value;
    }

    public string Text() => OptionalText() ?? "";

    public string[] Texts()
    {
        string[] values = new string[Number()];
        for (int i = 0; i < values.Length; i++) values[i] = Text();
        return values;
    }
}
