using System.Buffers.Binary;
using Cage.Interop;

namespace Cage.Engine.Roots.Elf;

/// <summary>What is wrong with an ELF file, as the end of a sentence that begins with its name.</summary>
internal sealed class ElfException(string problem) : Exception(problem);

/// <summary>Reads pieces of one file after another. Files are read and not mapped: one that is cut short meanwhile would kill a process that has it
/// mapped (SIGBUS). Whatever a file says of itself is checked before it is believed.</summary>
internal sealed class ElfReader
{
    private const int HeadSize = 4096, WindowSize = 8192;
    private const ulong MemoryLimit = 64 << 20;

    private readonly byte[] _head = new byte[HeadSize], _window = new byte[WindowSize];
    private Descriptor _file = null!;
    private int _headLength, _windowLength;
    private long _windowOffset;
    private ulong _size;

    public bool IsBigEndian { get; set; }

    /// <summary>The beginning of the file.</summary>
    public ReadOnlySpan<byte> Head => _head.AsSpan(0, _headLength);

    public void Open(Descriptor file, long size)
    {
        _file = file;
        _size = (ulong)size;
        _windowLength = 0;
        _headLength = Files.ReadAt(file, _head, 0);
    }

    /// <summary>The bytes there; valid until the next call.</summary>
    /// <exception cref="ElfException">The file ends before.</exception>
    public ReadOnlySpan<byte> Read(ulong offset, ulong length, string what)
    {
        ReadOnlySpan<byte> bytes = ReadUpTo(offset, length);
        return (ulong)bytes.Length == length ? bytes : throw new ElfException($"{what} lies beyond its end");
    }

    /// <summary>The bytes there, less where the file ends before; valid until the next call.</summary>
    public ReadOnlySpan<byte> ReadUpTo(ulong offset, ulong length)
    {
        if (offset >= _size) return [];
        length = Math.Min(length, _size - offset);
        if (length > MemoryLimit) throw new ElfException("a part of it is larger than any such file's");
        if (offset + length <= (ulong)_headLength && length <= HeadSize) return _head.AsSpan((int)offset, (int)length);
        long start = (long)offset;
        if (length > WindowSize)
        {
            byte[] piece = new byte[length];
            return piece.AsSpan(0, Files.ReadAt(_file, piece, start));
        }
        if (start < _windowOffset || start + (long)length > _windowOffset + _windowLength)
        {
            // From a little before, as what is asked for next often lies there.
            _windowOffset = Math.Max(0, start - ((WindowSize - (long)length) / 2));
            _windowLength = Files.ReadAt(_file, _window, _windowOffset);
        }
        int from = (int)Math.Min(start - _windowOffset, _windowLength);
        return _window.AsSpan(from, (int)Math.Min((long)length, _windowLength - from));
    }

    /// <summary>The text there up to its NUL.</summary>
    /// <exception cref="ElfException">It does not end within <paramref name="limit"/> bytes or in the file.</exception>
    public string Text(ulong offset, ulong limit, string what)
    {
        const int Usual = 256;
        ReadOnlySpan<byte> bytes = ReadUpTo(offset, Math.Min(limit, Usual));
        int end = bytes.IndexOf((byte)0);
        if (end < 0 && limit > Usual)
        {
            bytes = ReadUpTo(offset, limit);
            end = bytes.IndexOf((byte)0);
        }
        return end >= 0 ? PathText.Decode(bytes[..end]) : throw new ElfException($"{what} does not end");
    }

    public ushort U16(ReadOnlySpan<byte> at) => IsBigEndian ? BinaryPrimitives.ReadUInt16BigEndian(at) : BinaryPrimitives.ReadUInt16LittleEndian(at);

    public uint U32(ReadOnlySpan<byte> at) => IsBigEndian ? BinaryPrimitives.ReadUInt32BigEndian(at) : BinaryPrimitives.ReadUInt32LittleEndian(at);

    public ulong U64(ReadOnlySpan<byte> at) => IsBigEndian ? BinaryPrimitives.ReadUInt64BigEndian(at) : BinaryPrimitives.ReadUInt64LittleEndian(at);

    /// <summary>A word of the file's own size.</summary>
    public ulong Word(ReadOnlySpan<byte> at, bool is64) => is64 ? U64(at) : U32(at);
}
