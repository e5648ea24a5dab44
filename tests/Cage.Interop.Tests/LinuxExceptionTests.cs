namespace Cage.Interop.Tests;

public class LinuxExceptionTests
{
    [Fact]
    public void Says_what_failed_on_what_and_why()
    {
        LinuxException error = new(Errno.EBUSY, "mount", "/x");
        Assert.Equal("mount /x: EBUSY (Device or resource busy)", error.Message);
        Assert.Equal((16, "EBUSY", "mount", "/x", null), (error.Number, error.Name, error.Operation, error.Target, error.Detail));
    }

    [Fact]
    public void Needs_no_target() =>
        Assert.Equal("unshare: EPERM (Operation not permitted)", new LinuxException(Errno.EPERM, "unshare").Message);

    [Fact]
    public void Adds_what_the_kernel_added() => Assert.Equal(
        "fsconfig lowerdir+: EINVAL (Invalid argument): e overlay: too many",
        new LinuxException(Errno.EINVAL, "fsconfig", "lowerdir+", "e overlay: too many").Message);

    [Fact]
    public void An_empty_detail_adds_nothing() => Assert.EndsWith(")", new LinuxException(Errno.EINVAL, "fsconfig", detail: "").Message);

    [Fact]
    public void A_call_that_fails_gives_its_own_errno()
    {
        LinuxException error = Assert.Throws<LinuxException>(() => Files.Open("/none/such", Files.O_RDONLY));
        Assert.Equal("open /none/such: ENOENT (No such file or directory)", error.Message);
    }
}
