namespace Cage.Interop.Tests;

public class DescriptorTests
{
    [Fact]
    public void Is_open_until_it_is_disposed()
    {
        string file = Path.GetTempFileName();
        try
        {
            Descriptor descriptor = Files.Open(file, Files.O_RDONLY);
            Assert.Equal(file, Files.ReadLink(descriptor.ProcPath));
            descriptor.Dispose();
            Assert.True(descriptor.IsClosed);
            // By content, not by number: another test may have got that number by now.
            Assert.DoesNotContain(file, Directory.GetFiles("/proc/self/fd").Select(Files.ReadLink));
            descriptor.Dispose();
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void One_that_is_closed_cannot_be_used()
    {
        Descriptor descriptor = Files.Open("/dev/null", Files.O_RDONLY);
        descriptor.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Terminal.IsTerminal(descriptor));
    }

    [Fact]
    public void A_negative_number_is_nothing()
    {
        using Descriptor nothing = new(-1);
        Assert.True(nothing.IsInvalid);
    }

    [Fact]
    public void Has_its_path_in_proc()
    {
        using Descriptor descriptor = Files.Open("/dev/null", Files.O_RDONLY);
        Assert.Equal($"/proc/self/fd/{descriptor.Number}", descriptor.ProcPath);
        Assert.False(descriptor.IsInvalid);
    }
}
