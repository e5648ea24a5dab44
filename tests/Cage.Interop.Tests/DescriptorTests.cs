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

    /// <summary>As a child has one that another thread has just cloned, and that has not executed yet.</summary>
    [Fact]
    public void Its_lock_goes_with_it_though_a_child_has_a_copy()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            Descriptor held = Files.Open(folder, Files.O_RDONLY | Files.O_DIRECTORY);
            Assert.True(Files.Lock(held, wait: false));
            using Descriptor copy = Channels.Duplicate(held.Number), other = Files.Open(folder, Files.O_RDONLY | Files.O_DIRECTORY);
            Assert.False(Files.Lock(other, wait: false));
            held.Dispose();
            Assert.True(Files.Lock(other, wait: false));
        }
        finally
        {
            Directory.Delete(folder);
        }
    }

    [Fact]
    public void Goes_to_another_process_with_what_is_written()
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, "content");
            var (ours, theirs) = Channels.SocketPair();
            using (ours)
            using (theirs)
            {
                using (Descriptor sent = Files.Open(file, Files.O_RDONLY)) Assert.Equal(3, Channels.Send(ours, "abc"u8, sent));
                Files.Write(ours, "d"u8);
                byte[] buffer = new byte[2];
                Assert.Equal(2, Channels.Receive(theirs, buffer, out Descriptor? came));
                Assert.Equal("ab"u8, buffer);
                using (came)
                {
                    Assert.NotNull(came);
                    Assert.Equal("content"u8, Files.ReadAll(came));
                    Assert.Contains("flags:\t02", File.ReadAllText($"/proc/self/fdinfo/{came.Number}"));
                }
                Assert.Equal(2, Channels.Receive(theirs, buffer, out came));
                Assert.Null(came);
                Assert.Equal("cd"u8, buffer);
                ours.Dispose();
                Assert.Equal(0, Channels.Receive(theirs, buffer, out came));
                Assert.Null(came);
            }
        }
        finally
        {
            File.Delete(file);
        }
    }
}
