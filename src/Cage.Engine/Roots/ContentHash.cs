using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using Cage.Interop;

namespace Cage.Engine.Roots;

/// <summary>XXH64 of a file's content: enough to see that a copy is no longer the same, at the pace of memory. It is no proof against somebody who forges one
/// (that would take a library of ciphers, which costs more at each start of the command than all the copying).</summary>
internal static class ContentHash
{
    private const ulong P1 = 0x9E3779B185EBCA87, P2 = 0xC2B2AE3D27D4EB4F, P3 = 0x165667B19E3779F9, P4 = 0x85EBCA77C2B2AE63, P5 = 0x27D4EB2F165667C5;
    private const int BufferSize = 1 << 17;

    [ThreadStatic]
    private static byte[]? _buffer;

    /// <summary>Of a whole file, as sixteen hexadecimal digits.</summary>
    /// <param name="file">Open to read.</param>
    /// <param name="cancellation">Looked at every 128 KiB.</param>
    public static string Of(Descriptor file, CancellationToken cancellation = default)
    {
        byte[] buffer = _buffer ??= new byte[BufferSize];
        Span<ulong> lanes = [unchecked(P1 + P2), P2, 0, unchecked(0 - P1)];
        long position = 0;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            int count = Files.ReadAt(file, buffer, position);
            position += count;
            ReadOnlySpan<byte> rest = buffer.AsSpan(0, count);
            for (; rest.Length >= 32; rest = rest[32..])
                for (int lane = 0; lane < 4; lane++) lanes[lane] = Round(lanes[lane], BinaryPrimitives.ReadUInt64LittleEndian(rest[(lane * 8)..]));
            if (count < BufferSize) return Finish(lanes, rest, (ulong)position).ToString("x16", CultureInfo.InvariantCulture);
        }
    }

    private static ulong Finish(ReadOnlySpan<ulong> lanes, ReadOnlySpan<byte> rest, ulong length)
    {
        ulong hash;
        if (length >= 32)
        {
            hash = BitOperations.RotateLeft(lanes[0], 1) + BitOperations.RotateLeft(lanes[1], 7) + BitOperations.RotateLeft(lanes[2], 12) + BitOperations.RotateLeft(lanes[3], 18);
            foreach (ulong lane in lanes) hash = ((hash ^ Round(0, lane)) * P1) + P4;
        }
        else
        {
            hash = P5;
        }
        hash += length;
        for (; rest.Length >= 8; rest = rest[8..]) hash = (BitOperations.RotateLeft(hash ^ Round(0, BinaryPrimitives.ReadUInt64LittleEndian(rest)), 27) * P1) + P4;
        if (rest.Length >= 4)
        {
            hash = (BitOperations.RotateLeft(hash ^ (BinaryPrimitives.ReadUInt32LittleEndian(rest) * P1), 23) * P2) + P3;
            rest = rest[4..];
        }
        foreach (byte b in rest) hash = BitOperations.RotateLeft(hash ^ (b * P5), 11) * P1;
        hash = (hash ^ (hash >> 33)) * P2;
        hash = (hash ^ (hash >> 29)) * P3;
        return hash ^ (hash >> 32);
    }

    private static ulong Round(ulong lane, ulong input) => BitOperations.RotateLeft(lane + (input * P2), 31) * P1;
}
