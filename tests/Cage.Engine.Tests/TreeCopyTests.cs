using Cage.Engine.Snapshots;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>What happens to a tree at the very moment when it is copied. It is asked of each file whether it is left out, just before it is copied: the tests
/// have it changed then.</summary>
public sealed class TreeCopyTests
{
    private static void Copy(Action<string> fill, Action<string, string, string> meanwhile, Action<string> check) => MountNamespace.Run(folder =>
    {
        string source = Directory.CreateDirectory($"{folder}/from").FullName, target = Directory.CreateDirectory($"{folder}/to").FullName;
        fill(source);
        TreeCopy copy = new()
        {
            Leave = path =>
            {
                meanwhile(source, target, path);
                return false;
            },
        };
        copy.Run(Files.Open(source, Files.O_RDONLY | Files.O_DIRECTORY), Files.Open(target, Files.O_RDONLY | Files.O_DIRECTORY), null, default);
        check(target);
    });

    [RootFact]
    public void A_link_that_has_become_a_file_is_looked_at_again()
    {
        int asked = 0;
        Copy(
            source => File.CreateSymbolicLink($"{source}/name", "nowhere"),
            (source, _, path) =>
            {
                // readlink(2) says EINVAL then.
                if (asked++ > 0) return;
                File.Delete($"{source}/{path}");
                File.WriteAllText($"{source}/{path}", "a file");
            },
            target =>
            {
                Assert.Equal("a file", File.ReadAllText($"{target}/name"));
                Assert.Null(new FileInfo($"{target}/name").LinkTarget);
            });
        Assert.Equal(2, asked);
    }

    [RootFact]
    public void What_is_in_the_way_of_the_copy_fails_it()
    {
        int asked = 0;
        LinuxException e = Assert.Throws<LinuxException>(() => Copy(
            source => File.CreateSymbolicLink($"{source}/name", "nowhere"),
            (source, target, path) =>
            {
                asked++;
                File.WriteAllText($"{target}/{path}", "in the way");
            },
            _ => { }));
        Assert.Equal(Errno.EEXIST, e.Number);
        Assert.Equal(1, asked);
    }

    /// <summary>Its other names are copied then, as links to each other.</summary>
    [RootTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_first_name_of_several_may_be_gone(bool isFile)
    {
        int asked = 0;
        string? first = null;
        Copy(
            source => Shell.Run($"mkdir \"$source\"/in; cd \"$source\"/in; {(isFile ? "echo content >a" : "mkfifo a")}; ln a b; ln a c", ("source", source)),
            (_, target, path) =>
            {
                if (asked++ == 0) first = path;
                else if (asked == 3) File.Delete($"{target}/{first}");
            },
            target =>
            {
                string[] left = [.. new[] { "in/a", "in/b", "in/c" }.Where(name => name != first)];
                Assert.False(File.Exists($"{target}/{first}"));
                FileStatus one = Files.Status($"{target}/{left[0]}")!.Value, other = Files.Status($"{target}/{left[1]}")!.Value;
                Assert.True(one.IsSameFile(other));
                Assert.Equal(2u, one.Links);
                if (isFile) Assert.Equal("content\n", File.ReadAllText($"{target}/{left[1]}"));
            });
    }
}
