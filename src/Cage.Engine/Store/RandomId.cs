using Cage.Interop;

namespace Cage.Engine.Store;

/// <summary>Ids that nobody else has: UUIDs of version 4 (RFC 9562).</summary>
public static class RandomId
{
    private const int VersionByte = 6, VariantByte = 8;

    /// <summary>Makes one. <see cref="Guid.NewGuid"/> reads /dev/urandom, which a root without /dev lacks.</summary>
    public static Guid New()
    {
        Span<byte> bytes = stackalloc byte[16];
        Host.GetRandom(bytes);
        bytes[VersionByte] = (byte)((bytes[VersionByte] & 0x0f) | 0x40);
        bytes[VariantByte] = (byte)((bytes[VariantByte] & 0x3f) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }
}
