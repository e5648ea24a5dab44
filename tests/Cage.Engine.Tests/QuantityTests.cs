using Cage.Engine.Store;

namespace Cage.Engine.Tests;

public sealed class QuantityTests
{
    [Theory]
    [InlineData("0", 0L)]
    [InlineData("1000", 1000L)]
    [InlineData("4k", 4096L)]
    [InlineData("512M", 512L << 20)]
    [InlineData("512MB", 512L << 20)]
    [InlineData("2GiB", 2L << 30)]
    [InlineData("1.5G", 3L << 29)]
    [InlineData("8191T", 8191L << 40)]
    public void Bytes_are_read_in_powers_of_1024(string text, long bytes)
    {
        Assert.Equal(bytes, Quantity.Bytes(text));
        Assert.Equal(bytes, Quantity.Bytes(Quantity.Text(bytes)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("M")]
    [InlineData("-1")]
    [InlineData("1,5G")]
    [InlineData("1.3")]
    [InlineData("5X")]
    [InlineData("1 M")]
    [InlineData("9999999999T")]
    public void What_is_no_amount_is_none(string text) => Assert.Null(Quantity.Bytes(text));

    [Theory]
    [InlineData(0L, "0")]
    [InlineData(1000L, "1000")]
    [InlineData(1536L << 20, "1536M")]
    [InlineData(1L << 50, "1024T")]
    public void It_is_written_in_the_largest_whole_unit(long bytes, string text) => Assert.Equal(text, Quantity.Text(bytes));
}
