using System.Text;
using Cage.Tests;

namespace Cage.Interop.Tests;

// Of root only where a pair is opened: a devpts instance's own ptmx has mode 000, as mounted by default.
public class TerminalTests
{
    [RootFact]
    public void A_pair_is_two_ends_of_one_terminal()
    {
        using Pair pair = new();
        Assert.True(Terminal.IsTerminal(pair.Leader));
        Assert.True(Terminal.IsTerminal(pair.Peer));
        Assert.Equal($"/dev/pts/{pair.Number}", Files.ReadLink(pair.Peer.ProcPath));
    }

    [RootFact]
    public void Both_ends_are_close_on_exec()
    {
        using Pair pair = new();
        Assert.Equal([true, true], new[] { pair.Leader, pair.Peer }.Select(IsCloseOnExec));
    }

    [RootFact]
    public void Two_pairs_are_two_terminals()
    {
        using Pair one = new(), two = new();
        Assert.NotEqual(one.Number, two.Number);
    }

    [RootFact]
    public void An_instance_of_its_own_numbers_from_0() => MountNamespace.Run(directory =>
    {
        MountNamespace.Mount("devpts", directory, "devpts", 0, "ptmxmode=0666");
        using Descriptor devpts = Files.Open(directory, Files.O_RDONLY);
        (Descriptor leader, Descriptor peer, int number) = Terminal.OpenPair(devpts);
        using (leader)
        using (peer)
        {
            Assert.Equal(0, number);
            Files.Write(peer, "x"u8);
            Assert.Equal("x", Read(leader));
        }
    });

    [RootFact]
    public void A_new_terminal_edits_lines_and_echoes()
    {
        using Pair pair = new();
        Files.Write(pair.Leader, "ab\x7F\r"u8);
        Assert.Equal("a\n", Read(pair.Peer));
        Assert.Equal("ab\b \b\r\n", Read(pair.Leader));
        Files.Write(pair.Peer, "x\n"u8);
        Assert.Equal("x\r\n", Read(pair.Leader));
    }

    [RootFact]
    public void A_raw_terminal_passes_every_byte_until_its_mode_is_restored()
    {
        using Pair pair = new();
        using (Terminal.MakeRaw(pair.Peer))
        {
            Files.Write(pair.Leader, "\x03\x7F\r"u8);
            Assert.Equal("\x03\x7F\r", Read(pair.Peer));
            Files.Write(pair.Peer, "x\n"u8);
            Assert.Equal("x\n", Read(pair.Leader));
        }
        Files.Write(pair.Leader, "y\r"u8);
        Assert.Equal("y\n", Read(pair.Peer));
        Assert.Equal("y\r\n", Read(pair.Leader));
    }

    [RootFact]
    public void A_mode_can_be_given_to_another_terminal()
    {
        using Pair raw = new(), other = new();
        using TerminalMode cooked = Terminal.MakeRaw(raw.Peer);
        using TerminalMode mode = Terminal.GetMode(raw.Peer);
        Terminal.SetMode(other.Peer, mode);
        Files.Write(other.Peer, "x\n"u8);
        Assert.Equal("x\n", Read(other.Leader));
    }

    [RootFact]
    public void A_mode_is_restored_once()
    {
        using Pair pair = new();
        TerminalMode mode = Terminal.MakeRaw(pair.Peer);
        mode.Dispose();
        using TerminalMode again = Terminal.MakeRaw(pair.Peer);
        mode.Dispose();
        Files.Write(pair.Peer, "x\n"u8);
        Assert.Equal("x\n", Read(pair.Leader));
    }

    [RootFact]
    public void Restoring_a_terminal_that_is_gone_does_nothing()
    {
        Pair pair = new();
        TerminalMode hungUp = Terminal.MakeRaw(pair.Peer);
        pair.Leader.Dispose();
        hungUp.Dispose();
        using TerminalMode closed = MakeRawAndClose();
        pair.Dispose();

        static TerminalMode MakeRawAndClose()
        {
            using Pair pair = new();
            return Terminal.MakeRaw(pair.Peer);
        }
    }

    [RootFact]
    public void The_window_has_the_size_that_either_end_gave_it()
    {
        using Pair pair = new();
        Assert.Equal(default, Terminal.GetSize(pair.Peer));
        Terminal.SetSize(pair.Leader, new WindowSize(Rows: 50, Columns: 132));
        Assert.Equal(new WindowSize(50, 132), Terminal.GetSize(pair.Peer));
    }

    [Fact]
    public void What_is_no_terminal_says_so()
    {
        using Descriptor nothing = Files.Open("/dev/null", Files.O_RDWR);
        Assert.False(Terminal.IsTerminal(nothing));
        Assert.Equal("ENOTTY", Assert.Throws<LinuxException>(() => Terminal.GetMode(nothing)).Name);
        Assert.Equal("ENOTTY", Assert.Throws<LinuxException>(() => Terminal.MakeRaw(nothing)).Name);
        Assert.Equal("ENOTTY", Assert.Throws<LinuxException>(() => Terminal.GetSize(nothing)).Name);
        Assert.Equal("ENOTTY", Assert.Throws<LinuxException>(() => Terminal.SetSize(nothing, new(1, 1))).Name);
    }

    [Fact]
    public void A_link_or_a_file_in_place_of_ptmx_is_refused_and_left_closed()
    {
        string path = Directory.CreateTempSubdirectory("cage-test-").FullName;
        try
        {
            using Descriptor directory = Files.Open(path, Files.O_RDONLY);
            Assert.Equal("ENOENT", Open());
            File.CreateSymbolicLink($"{path}/ptmx", "/dev/ptmx");
            Assert.Equal("ELOOP", Open());
            File.Delete($"{path}/ptmx");
            File.WriteAllText($"{path}/ptmx", "");
            Assert.Equal("ENOTTY", Open());
            Assert.DoesNotContain($"{path}/ptmx", Directory.GetFiles("/proc/self/fd").Select(Files.ReadLink));

            string Open() => Assert.Throws<LinuxException>(() => Terminal.OpenPair(directory)).Name;
        }
        finally
        {
            Directory.Delete(path, recursive: true);
        }
    }

    private static string Read(Descriptor terminal)
    {
        Assert.True(Channels.WaitReadable(terminal, 5000), "nothing came");
        byte[] buffer = new byte[256];
        return Encoding.UTF8.GetString(buffer, 0, Files.Read(terminal, buffer));
    }

    private static bool IsCloseOnExec(Descriptor file)
    {
        string flags = File.ReadLines($"/proc/self/fdinfo/{file.Number}").Single(line => line.StartsWith("flags:"))[6..];
        return (Convert.ToInt32(flags.Trim(), 8) & Files.O_CLOEXEC) != 0;
    }

    private sealed class Pair : IDisposable
    {
        public Pair()
        {
            using Descriptor devpts = Files.Open("/dev/pts", Files.O_RDONLY);
            (Leader, Peer, Number) = Terminal.OpenPair(devpts);
        }

        public Descriptor Leader { get; }

        public Descriptor Peer { get; }

        public int Number { get; }

        public void Dispose()
        {
            Leader.Dispose();
            Peer.Dispose();
        }
    }
}
