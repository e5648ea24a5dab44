using Cage.Engine.Runtime;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>Users as the cage's own files have them; the files are what somebody inside may have made of them.</summary>
public sealed class AccountTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("cage-account-").FullName;

    public AccountTests()
    {
        Directory.CreateDirectory($"{_root}/etc");
        Write("passwd", "root:x:0:0:root:/root:/bin/bash\n# comment\nshort:x:1\n1234:x:5:6::/n:/s\nalice:x:1000:1000:Alice:/home/alice:\nother:x:1000:7::/o:/o\nbad:x:one:1::/:/\n");
        Write("group", "root:x:0:\nalice:x:1000:\nwheel:x:10:root,alice\nshort:x\naudio:x:29:alice\nalicex:x:30:alicex\n");
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private void Write(string name, string text) => File.WriteAllText($"{_root}/etc/{name}", text);

    private string Find(string? user)
    {
        using Descriptor root = Files.Open(_root, Files.O_PATH | Files.O_DIRECTORY);
        Account account = Account.Find(root, user);
        return $"{account.Name} {account.Identity.Uid}:{account.Identity.Gid} [{string.Join(',', account.Identity.Groups)}] {account.Home} {account.Shell}";
    }

    [Fact]
    public void A_group_besides_the_user_is_the_only_one()
    {
        using Descriptor root = Files.Open(_root, Files.O_PATH | Files.O_DIRECTORY);
        Identity alice = Account.Find(root, "alice", "wheel").Identity, nobody = Account.Find(root, null, "29").Identity;
        Assert.Equal((1000u, 10u, 0u, 29u), (alice.Uid, alice.Gid, nobody.Uid, nobody.Gid));
        Assert.Equal([10u], alice.Groups);
        Assert.Contains("wheel", Assert.Throws<CageException>(() => Account.Find(root, "alice:audio", "wheel")).Message);
        Assert.Contains("no-group", Assert.Throws<CageException>(() => Account.Find(root, "alice", "no-group")).Message);
    }

    [Theory]
    [InlineData(null, "root 0:0 [10,0] /root /bin/bash")]
    [InlineData("alice", "alice 1000:1000 [10,29,1000] /home/alice /bin/sh")]
    [InlineData("1000", "alice 1000:1000 [10,29,1000] /home/alice /bin/sh")]
    [InlineData("1234", "1234 5:6 [6] /n /s")]
    [InlineData("5", "1234 5:6 [6] /n /s")]
    [InlineData("alice:wheel", "alice 1000:10 [10] /home/alice /bin/sh")]
    [InlineData("alice:0", "alice 1000:0 [0] /home/alice /bin/sh")]
    [InlineData("77", "77 77:77 [77] / /bin/sh")]
    [InlineData("77:audio", "77 77:29 [29] / /bin/sh")]
    public void They_are_found_by_name_number_and_group(string? user, string expected) => Assert.Equal(expected, Find(user));

    [Theory]
    [InlineData("carol")]
    [InlineData("short")]
    [InlineData("bad")]
    [InlineData("")]
    [InlineData("alice:carol")]
    [InlineData("alice:")]
    [InlineData("+5")]
    [InlineData(" 5")]
    [InlineData("0x10")]
    public void What_is_not_there_is_an_error(string user) => Assert.Equal(CageError.CageArgumentInvalid, Assert.Throws<CageException>(() => Find(user)).Error);

    /// <summary>To setresuid(2) that number means "as it is": a cage's passwd would make root of it.</summary>
    [Theory]
    [InlineData("4294967295")]
    [InlineData("evil")]
    [InlineData("alice:4294967295")]
    [InlineData("alice:evil")]
    [InlineData("evilgroup")]
    public void The_number_that_means_no_change_is_no_user(string user)
    {
        File.AppendAllText($"{_root}/etc/passwd", "evil:x:4294967295:1::/:/\nevilgroup:x:1:4294967295::/:/\n");
        File.AppendAllText($"{_root}/etc/group", "evil:x:4294967295:\n");
        Assert.Equal(CageError.CageArgumentInvalid, Assert.Throws<CageException>(() => Find(user)).Error);
    }

    [Fact]
    public void Without_files_there_is_root_and_there_are_numbers()
    {
        File.Delete($"{_root}/etc/passwd");
        File.Delete($"{_root}/etc/group");
        Assert.Equal("root 0:0 [0] /root /bin/sh", Find(null));
        Assert.Equal("5 5:6 [6] / /bin/sh", Find("5:6"));
        Assert.Equal(CageError.CageArgumentInvalid, Assert.Throws<CageException>(() => Find("root")).Error);
    }

    [Theory]
    [InlineData("/etc/passwd")]
    [InlineData("../../../../../../../../etc/passwd")]
    [InlineData("/proc/self/root/etc/passwd")]
    [InlineData("/proc/1/root/etc/passwd")]
    [InlineData("passwd")]
    [InlineData("real")]
    public void No_link_leads_out_of_the_root(string target)
    {
        File.Delete($"{_root}/etc/passwd");
        Write("real", "inside:x:9:9::/:/\n");
        File.CreateSymbolicLink($"{_root}/etc/passwd", target);
        if (target == "real") Assert.Equal("inside 9:9 [9] / /", Find("inside"));
        // The host has these; a number says whether its passwd was read.
        else if (Catch(() => Find("daemon")) is CageException e) Assert.Equal(CageError.CageArgumentInvalid, e.Error);
        else Assert.Fail("the host's passwd was read");
    }

    [RootFact]
    public void The_links_of_proc_do_not_lead_out_either()
    {
        File.Delete($"{_root}/etc/passwd");
        Directory.CreateDirectory($"{_root}/proc");
        MountNamespace.Run(() =>
        {
            MountNamespace.Mount("proc", $"{_root}/proc", "proc");
            foreach (string target in new[] { "/proc/self/root/etc/passwd", "/proc/1/cwd/etc/passwd", "/proc/thread-self/root/etc/passwd" })
            {
                File.CreateSymbolicLink($"{_root}/etc/passwd", target);
                Assert.Equal(CageError.CageArgumentInvalid, Assert.Throws<CageException>(() => Find("daemon")).Error);
                File.Delete($"{_root}/etc/passwd");
            }
        });
    }

    [Fact]
    public void What_is_no_file_or_too_large_does_not_hang_or_fill_the_memory()
    {
        foreach (string line in new[] { "mkfifo passwd", "mkdir passwd", "ln -s passwd passwd", "truncate -s 20M passwd", "truncate -s 1T passwd", "head -c 1000000 /dev/urandom >passwd" })
        {
            Shell.Run($"cd \"$etc\"; rm -rf passwd; {line}", ("etc", $"{_root}/etc"));
            Assert.Equal(CageError.CageArgumentInvalid, Assert.Throws<CageException>(() => Find("alice")).Error);
        }
    }

    private static Exception? Catch(Action act)
    {
        try
        {
            act();
            return null;
        }
        catch (Exception e)
        {
            return e;
        }
    }
}
