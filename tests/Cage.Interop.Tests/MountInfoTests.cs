using System.Runtime.InteropServices;
using System.Text;
using Cage.Tests;

namespace Cage.Interop.Tests;

public partial class MountInfoTests
{
    [Fact]
    public void The_line_of_the_manual_is_read()
    {
        MountEntry mount = Parse("36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue");
        Assert.Equal(
            new(36, 35, 98, 0, "/mnt1", "/mnt2", "rw,noatime", "master:1", "ext3", "/dev/root", "rw,errors=continue"),
            mount);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("shared:12 ", "shared:12")]
    [InlineData("shared:12 master:3 ", "shared:12 master:3")]
    [InlineData("master:3 propagate_from:2 unbindable ", "master:3 propagate_from:2 unbindable")]
    public void Optional_fields_are_none_or_many(string written, string expected)
    {
        MountEntry mount = Parse($"1 2 0:5 / /a rw {written}- tmpfs none rw");
        Assert.Equal(expected, mount.Propagation);
        Assert.Equal("tmpfs", mount.Type);
    }

    [Theory]
    [InlineData(@"/a\040b", "/a b")]
    [InlineData(@"/a\011b\012c", "/a\tb\nc")]
    [InlineData(@"/a\134b", @"/a\b")]
    [InlineData(@"/a\134040b", @"/a\040b")]
    [InlineData(@"/\043a", "/#a")]
    [InlineData(@"/a\", @"/a\")]
    [InlineData(@"/a\04", @"/a\04")]
    [InlineData(@"/a\048", @"/a\048")]
    [InlineData("/gr\u00fcn", "/gr\u00fcn")]
    [InlineData("/-", "/-")]
    public void Escapes_are_decoded_once(string written, string expected)
    {
        MountEntry mount = Parse($"1 2 0:5 {written} {written} rw - tmpfs {written} rw");
        Assert.Equal((expected, expected, expected), (mount.Root, mount.MountPoint, mount.Source));
    }

    [Fact]
    public void A_field_may_be_of_any_length()
    {
        string name = "/" + new string('x', 100_000);
        Assert.Equal(name + " ", Parse($@"1 2 0:5 / {name}\040 rw - tmpfs none rw").MountPoint);
    }

    [Fact]
    public void A_source_may_be_empty()
    {
        MountEntry mount = Parse("1 2 0:5 / /a rw - tmpfs  rw,size=1k");
        Assert.Equal(("tmpfs", "", "rw,size=1k"), (mount.Type, mount.Source, mount.SuperOptions));
    }

    [Fact]
    public void Bytes_that_are_not_text_are_kept()
    {
        byte[] line = [.. "1 2 0:5 / /a"u8, 0xFF, .. @"\040 rw - tmpfs none rw"u8];
        Assert.Equal([.. "/a"u8, 0xFF, (byte)' '], PathText.Encode(MountTable.Parse(line).MountPoint));
    }

    [Fact]
    public void Large_numbers_fit()
    {
        MountEntry mount = Parse("2147483647 2147483646 4095:1048575 / /a rw - tmpfs none rw");
        Assert.Equal((2147483647, 2147483646, 4095u, 1048575u), (mount.Id, mount.ParentId, mount.Major, mount.Minor));
    }

    [Theory]
    [InlineData("")]
    [InlineData("hello")]
    [InlineData("1 2 0:5 / /a rw shared:1")]
    [InlineData("1 2 0:5 / /a rw -")]
    [InlineData("1 2 0:5 / /a rw - tmpfs none")]
    [InlineData("x 2 0:5 / /a rw - tmpfs none rw")]
    [InlineData("1 2 05 / /a rw - tmpfs none rw")]
    public void What_is_no_line_is_refused(string line) => Assert.Throws<FormatException>(() => Parse(line));

    [Fact]
    public void Options_of_the_file_system_are_split_before_they_are_decoded()
    {
        MountEntry mount = Parse(@"1 2 0:5 / /a rw - overlay overlay rw,lowerdir+=/a\054b,lowerdir+=/c\040d,lowerdir=/e\134:f,userxattr");
        Assert.Equal(["/a,b", "/c d"], mount.SuperOption("lowerdir+"));
        Assert.Equal([@"/e\:f"], mount.SuperOption("lowerdir"));
        Assert.Equal([""], mount.SuperOption("userxattr"));
        Assert.Empty(mount.SuperOption("lower"));
    }

    [Fact]
    public void An_option_that_is_not_text_keeps_its_bytes()
    {
        MountEntry mount = MountTable.Parse([.. "1 2 0:5 / /a rw - overlay overlay rw,upperdir=/a"u8, 0xFF, .. @" b"u8]);
        Assert.Equal([.. "/a"u8, 0xFF, .. " b"u8], PathText.Encode(mount.SuperOption("upperdir").Single()));
    }

    [Fact]
    public void Beneath_goes_by_whole_names()
    {
        MountEntry[] mounts = [At(1, 0, "/"), At(2, 1, "/a/b"), At(3, 1, "/a/bc"), At(4, 2, "/a/b/c"), At(5, 1, "/a")];
        Assert.Equal([2, 4], Ids(mounts.Beneath("/a/b")));
        Assert.Equal([2, 4], Ids(mounts.Beneath("/a/b/")));
        Assert.Equal([1, 2, 3, 4, 5], Ids(mounts.Beneath("/")));
        Assert.Empty(mounts.Beneath("/b"));
    }

    [Fact]
    public void Beneath_puts_parents_first()
    {
        MountEntry[] mounts = [At(1, 0, "/"), At(2, 4, "/a/x/y"), At(3, 5, "/a/x"), At(4, 3, "/a/x"), At(5, 1, "/a"), At(6, 1, "/b")];
        Assert.Equal([5, 3, 4, 2], Ids(mounts.Beneath("/a")));
    }

    [Fact]
    public void Beneath_ends_even_where_a_table_contradicts_itself()
    {
        MountEntry[] mounts = [At(1, 2, "/a"), At(2, 1, "/a/b")];
        Assert.Equal([1, 2], Ids(mounts.Beneath("/a")).Order());
    }

    [Fact]
    public void A_table_that_is_not_there_is_an_error()
    {
        LinuxException error = Assert.Throws<LinuxException>(() => MountTable.Read("/proc/none/mountinfo"));
        Assert.Equal("ENOENT", error.Name);
    }

    [Fact]
    public void A_file_without_a_last_line_feed_is_read_whole()
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, "1 0 0:1 / / rw - a a rw\n2 1 0:2 / /b rw - b b rw");
            Assert.Equal(["/", "/b"], MountTable.Read(file).Select(m => m.MountPoint));
            File.WriteAllText(file, "");
            Assert.Empty(MountTable.Read(file));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void The_table_of_this_process_has_a_root()
    {
        IReadOnlyList<MountEntry> mounts = MountTable.Read();
        Assert.Contains(mounts, m => m.MountPoint == "/");
        Assert.Contains(mounts, m => m is { MountPoint: "/proc", Type: "proc" });
    }

    [RootFact]
    public void Odd_names_come_back_from_the_kernel_as_they_were() => MountNamespace.Run(directory =>
    {
        string[] names = ["a b", "tab\tline\nback\\slash", "\\040", "#hash", "comma,colon:equals=", "-", "grün 日本 😀", new string('x', 255)];
        foreach (string name in names)
        {
            Directory.CreateDirectory($"{directory}/{name}");
            MountNamespace.Mount(name, $"{directory}/{name}", "tmpfs");
        }

        List<MountEntry> mounts = MountTable.Read().Beneath(directory).ToList();
        Assert.Equal(names.Select(name => $"{directory}/{name}").Prepend(directory), mounts.Select(m => m.MountPoint));
        Assert.Equal(names.Prepend("cage-test"), mounts.Select(m => m.Source));
        Assert.All(mounts.Skip(1), m => Assert.Equal(mounts[0].Id, m.ParentId));
    });

    [RootFact]
    public void A_name_that_is_not_text_comes_back_too() => MountNamespace.Run(directory =>
    {
        byte[] path = [.. Encoding.UTF8.GetBytes(directory), (byte)'/', 0xFF, (byte)' ', 0x80];
        Assert.Equal(0, mkdir([.. path, 0], 0x1C0));
        MountNamespace.Mount("none", path, "tmpfs");
        Assert.Equal(path, PathText.Encode(MountTable.Read().Beneath(directory).Last().MountPoint));
    });

    [RootFact]
    public void Roots_options_and_propagation_are_the_kernels() => MountNamespace.Run(directory =>
    {
        foreach (string name in new[] { "shared", "follower", "both", "alone", "from/deep" })
            Directory.CreateDirectory($"{directory}/{name}");
        MountNamespace.Mount("s", $"{directory}/shared", "tmpfs", MountNamespace.MS_RDONLY, "size=64k");
        MountNamespace.Mount(null, $"{directory}/shared", null, MountNamespace.MS_SHARED);
        foreach (string name in new[] { "follower", "both" })
        {
            MountNamespace.Mount($"{directory}/shared", $"{directory}/{name}", null, MountNamespace.MS_BIND);
            MountNamespace.Mount(null, $"{directory}/{name}", null, MountNamespace.MS_SLAVE);
        }
        MountNamespace.Mount(null, $"{directory}/both", null, MountNamespace.MS_SHARED);
        MountNamespace.Mount($"{directory}/from/deep", $"{directory}/alone", null, MountNamespace.MS_BIND);
        MountNamespace.Mount(null, $"{directory}/alone", null, MountNamespace.MS_UNBINDABLE);

        Dictionary<string, MountEntry> mounts = MountTable.Read().Beneath(directory).ToDictionary(m => Path.GetFileName(m.MountPoint));
        string group = mounts["shared"].Propagation;
        Assert.Matches("^shared:[0-9]+$", group);
        Assert.Equal(group.Replace("shared", "master"), mounts["follower"].Propagation);
        Assert.Matches($"^shared:[0-9]+ {mounts["follower"].Propagation}$", mounts["both"].Propagation);
        Assert.Equal("unbindable", mounts["alone"].Propagation);
        Assert.Equal("/from/deep", mounts["alone"].Root);
        Assert.Equal("ro,relatime", mounts["shared"].Options);
        Assert.Equal(["64k"], mounts["shared"].SuperOption("size"));
    });

    [RootFact]
    public void A_mount_moved_onto_a_younger_one_comes_after_it() => MountNamespace.Run(directory =>
    {
        foreach (string name in new[] { "old", "young" }) Directory.CreateDirectory($"{directory}/{name}");
        MountNamespace.Mount("old", $"{directory}/old", "tmpfs");
        MountNamespace.Mount("young", $"{directory}/young", "tmpfs");
        Directory.CreateDirectory($"{directory}/young/x");
        MountNamespace.Mount($"{directory}/old", $"{directory}/young/x", null, MountNamespace.MS_MOVE);
        Assert.Equal(["young", "old"], MountTable.Read().Beneath($"{directory}/young").Select(m => m.Source));
    });

    [RootFact]
    public void A_table_longer_than_the_first_buffer_is_read_whole() => MountNamespace.Run(directory =>
    {
        string source = new('s', 4000);
        for (int i = 0; i < 40; i++) MountNamespace.Mount($"{i}-{source}", directory, "tmpfs");
        List<MountEntry> mounts = MountTable.Read().Beneath(directory).ToList();
        Assert.Equal(Enumerable.Range(0, 40).Select(i => $"{i}-{source}").Prepend("cage-test"), mounts.Select(m => m.Source));
    });

    private static MountEntry Parse(string line) => MountTable.Parse(Encoding.UTF8.GetBytes(line));

    private static MountEntry At(int id, int parent, string point) => new(id, parent, 0, 1, "/", point, "rw", "", "tmpfs", "none", "rw");

    private static IEnumerable<int> Ids(IEnumerable<MountEntry> mounts) => mounts.Select(m => m.Id);

    [LibraryImport("libc")]
    private static partial int mkdir(byte[] path, uint mode);
}
