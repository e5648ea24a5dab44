using System.Buffers.Binary;

namespace Cage.Engine.Store;

/// <summary>Ids of cages that are not kept: UUIDs of version 8 (RFC 9562: "custom"), which no stored cage gets, so that what a killed
/// command has left is known for what it is, whichever store it came from.</summary>
internal static class EphemeralId
{
    private const int VersionByte = 6, SlotByte = 14;

    public static Guid New()
    {
        Span<byte> bytes = stackalloc byte[16];
        RandomId.New().TryWriteBytes(bytes, bigEndian: true, out _);
        bytes[VersionByte] = (byte)((bytes[VersionByte] & 0x0f) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>One that tells which range of ids the cage has (<see cref="IdPool"/>).</summary>
    public static Guid New(ushort slot)
    {
        Span<byte> bytes = stackalloc byte[16];
        New().TryWriteBytes(bytes, bigEndian: true, out _);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[SlotByte..], slot);
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>The range that it tells of; that of a cage without a user namespace is anyone.</summary>
    public static ushort Slot(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return BinaryPrimitives.ReadUInt16BigEndian(bytes[SlotByte..]);
    }

    public static bool Is(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        return id.TryWriteBytes(bytes, bigEndian: true, out _) && bytes[VersionByte] >> 4 == 8;
    }
}
