using System.Text;

namespace Cage.Interop.Tests;

public class PathTextTests
{
    public static TheoryData<byte[]> Paths => new()
    {
        "/plain/path"u8.ToArray(),
        "/grün/日本/😀"u8.ToArray(),
        Array.Empty<byte>(),
        new byte[] { (byte)'/', 0xFF, (byte)'a', 0xFE },
        // A truncated sequence in the middle and at the end, an encoded surrogate, an overlong slash.
        new byte[] { 0xE2, 0x82, (byte)'x', 0xF0, 0x9F, 0x98 },
        new byte[] { 0xED, 0xA0, 0x80, 0xED, 0xB2, 0x80 },
        new byte[] { 0xC0, 0xAF },
        // An escaped byte right after a character beyond the basic plane.
        new byte[] { 0xF0, 0x9F, 0x98, 0x80, 0x80, (byte)'z' },
    };

    [Theory]
    [MemberData(nameof(Paths))]
    public void What_is_decoded_encodes_to_the_same_bytes(byte[] path) => Assert.Equal(path, PathText.Encode(PathText.Decode(path)));

    [Fact]
    public void Every_byte_alone_survives()
    {
        for (int b = 0; b < 256; b++) Assert.Equal([(byte)b], PathText.Encode(PathText.Decode([(byte)b])));
    }

    [Fact]
    public void Text_stays_the_same_text() => Assert.Equal("/grün/日本/😀", PathText.Decode(Encoding.UTF8.GetBytes("/grün/日本/😀")));

    [Fact]
    public void Different_bytes_are_different_strings() => Assert.NotEqual(PathText.Decode([0xFE]), PathText.Decode([0xFF]));

    [Fact]
    public void A_surrogate_that_stands_for_no_byte_becomes_the_replacement_character() =>
        Assert.Equal([0xEF, 0xBF, 0xBD, 0x80], PathText.Encode(new string(['\uDC00', '\uDC80'])));
}
