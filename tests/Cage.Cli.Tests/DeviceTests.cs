using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Cage.Cli.Tests;

/// <summary>What a cage's own /dev has: rules in the manner of devfs, and the host's log. [002] [003]</summary>
public sealed class DeviceTests : CageTest
{
    private const string Usual = "full null random tty urandom zero";

    private string Start(string isolation, params string[] rules)
    {
        Store.Host();
        string id = Store.New(["web", "--base", "host", "--isolation", isolation, .. rules.SelectMany(rule => new[] { "--device", rule })]);
        Cage("start", "web").Silently();
        return id;
    }

    private string Nodes() => string.Join(' ', Inside("cd /dev; find . -path ./pts -prune -o '(' -type c -o -type b ')' -print | cut -c3- | sort").Ended(0).Lines);

    private string Look(string name) => Cage("exec", "web", "--", "stat", "-c", "%t:%T %a %u:%g", $"/dev/{name}").Ended(0).Output.TrimEnd('\n');

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void RulesAddChangeAndHideInTheirOrder(string isolation)
    {
        Start(isolation, "tty:hide", "zer?:mode=0600,uid=12,gid=34", "*random:hide", "random", "loop-contro?", "nothing-of-the-kind*");
        Assert.Equal("full loop-control null random zero", Nodes());
        Assert.Equal("1:5 600 12:34", Look("zero"));
        Assert.Equal("1:3 666 0:0", Look("null"));
        Assert.Equal(Store.Shell("stat -c '%t:%T %a %u:%g' /dev/loop-control").Output.TrimEnd('\n'), Look("loop-control"));
    }

    [RootFact]
    public void AListIsNamedAndReadAtEachStart()
    {
        string lists = Directory.CreateDirectory($"{Store.Files}/tool/devices").FullName;
        File.AppendAllText(Store.Conf, $"tool={Store.Files}/tool\n");
        File.WriteAllText($"{lists}/quiet.conf", "# as little as can be\ndevice=*:hide\ndevice=null\n");
        Start("jail", "@quiet", "zero:mode=444");
        Assert.Equal("null zero", Nodes());
        Cage("stop", "web").Ended(0);
        File.WriteAllText($"{lists}/quiet.conf", "device=full:hide\n");
        Cage("start", "web").Silently();
        Assert.Equal(Usual.Replace("full ", ""), Nodes());
        Cage("stop", "web").Ended(0);
        File.WriteAllText($"{lists}/quiet.conf", "device=null\ndevice=null:mode=9\n");
        Cage("start", "web").Failed(1, "quiet.conf", "device", "mode=9");
        File.WriteAllText($"{lists}/quiet.conf", "device=@quiet\n");
        Cage("start", "web").Failed(1, "quiet.conf", "another");
        File.Delete($"{lists}/quiet.conf");
        Cage("start", "web").Failed(1, "quiet.conf", "ENOENT");
        foreach (string wrong in (string[])["null:mode=4777", "null:owner=3", "a/../b", "@", "@a:hide", "null:hide,mode=600", "log:mode=666", "a:b:c"])
            Cage("set", "web", "--device", wrong).Failed(1, wrong.Split(':')[0]);
    }

    /// <summary>A host whose /dev has just what a cage needs and a log: /dev/log says where, or is the socket itself.</summary>
    private const string Host =
        """
        mkdir "$STORE/files/dev" "$STORE/files/dev/pts" "$STORE/files/dev/shm"
        cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty "$STORE/files/dev"
        [ -z "$LINK" ] || ln -s "$LINK" "$STORE/files/dev/log"
        """;

    private void StartOn(string link, string isolation, params string[] rules)
    {
        Store.Host();
        Store.New(["web", "--base", "host", "--isolation", isolation, .. rules.SelectMany(rule => new[] { "--device", rule })]);
        Store.Environment["LINK"] = link;
        Store.Shell(Host).Ended(0);
    }

    private Outcome StartThere() => Store.PrivateShell("mount --bind \"$STORE/files/dev\" /dev; exec $CAGE start web");

    /// <summary>One that listens as syslogd(8) does: it takes away what is there, and makes its socket anew.</summary>
    private static Socket Listen(string path)
    {
        File.Delete(path);
        Socket socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 30_000 };
        socket.Bind(new UnixDomainSocketEndPoint(path));
        return socket;
    }

    private static string Take(Socket socket)
    {
        byte[] line = new byte[4096];
        return Encoding.UTF8.GetString(line, 0, socket.Receive(line));
    }

    [ToolTheory("logger", "unshare")]
    [InlineData("pivot")]
    [InlineData("jail")]
    public void TheHostsLogIsReachedAndStaysSoWhenItIsStartedAgain(string isolation)
    {
        string folder = Directory.CreateDirectory($"{Store.Files}/journal").FullName, path = $"{folder}/dev-log";
        StartOn(path, isolation, "log");
        using (Socket first = Listen(path))
        {
            StartThere().Silently();
            Cage("exec", "web", "--", "logger", "-t", "caged", "first").Ended(0);
            Assert.Matches("caged: first", Take(first));
        }
        File.Delete(path);
        Assert.NotEqual(0, Cage("exec", "web", "--", "logger", "--socket-errors=on", "lost").Status);
        using Socket second = Listen(path);
        Cage("exec", "web", "--", "logger", "-t", "caged", "second").Ended(0);
        Assert.Matches("caged: second", Take(second));
        // Nobody inside can take its place.
        Inside("rm /dev/.log/dev-log 2>&1; touch /dev/.log/x 2>&1; true").Ended(0);
        Assert.Equal([path], Directory.GetFileSystemEntries(folder));
        Assert.Equal("log", Assert.Single(Cage("exposure", "web", "--json").Objects(), one => one.Text("kind") == "Socket").Text("item")!.Split('/')[^1]);
    }

    [ToolTheory("logger", "unshare")]
    [MemberData(nameof(Isolations))]
    public void ALogThatLiesInDevItselfIsBoundAloneAndAnewWhenItIsMadeAnew(string isolation)
    {
        StartOn("", isolation, "log");
        string path = $"{Store.Files}/dev/log";
        using Socket first = Listen(path);
        using Child host = Store.StartPrivateShell("""
            mount --bind "$STORE/files/dev" /dev; $CAGE start web; $CAGE exec web -- logger -t caged first
            until [ -e "$STORE/files/again" ]; do sleep 0.02; done
            until $CAGE exec web -- logger --socket-errors=on -t caged second; do sleep 0.02; done
            $CAGE exec web -- sh -c 'echo $(grep -c " /dev/log " /proc/self/mountinfo) $(cd /dev; find . -path ./pts -prune -o "(" -type c -o -type b ")" -print | cut -c3- | sort)'
            $CAGE run --base host --device log -- logger -t caged third
            $CAGE stop web
            """);
        Assert.Matches("caged: first", Take(first));
        first.Dispose();
        using Socket second = Listen(path);
        File.WriteAllText($"{Store.Files}/again", "");
        Assert.Matches("caged: second", Take(second));
        Assert.Matches("caged: third", Take(second));
        Assert.Equal($"1 {Usual}\n", host.End().Ended(0).Output);
    }

    [ToolFact("unshare")]
    public void WhatBindsTheLogAnewEndsWithTheCageAndTheCageWithoutIt()
    {
        StartOn("", "jail", "log");
        Guid id = Guid.Parse(Cage("show", "web", "--json").Objects()[0].Text("id")!);
        using Socket listener = Listen($"{Store.Files}/dev/log");
        JsonElement last = Store.PrivateShell("mount --bind \"$STORE/files/dev\" /dev; exec $CAGE plan web --json").Objects()[^1];
        Assert.Equal(("Host", "/dev/log"), (last.Text("side"), last.Text("target")));
        StartThere().Silently();
        Kill(id, "init");
        Wait.Until(() => Running(id).Length == 0, () => $"these go on: {string.Join(", ", Running(id))}");
        StartThere().Silently();
        Kill(id, "follow-log");
        Assert.Equal(["init"], Running(id));
        Cage("stop", "web").Silently();
    }

    private static string[] Running(Guid id) => [.. Processes(id).Select(process => process.Word)];

    private static void Kill(Guid id, string word)
    {
        Child.Signal(Assert.Single(Processes(id), process => process.Word == word).Id, Child.SIGKILL);
        Wait.Until(() => !Running(id).Contains(word), () => $"{word} goes on");
    }

    /// <summary>What of cage runs in a cage's control group, by its first word.</summary>
    private static IEnumerable<(int Id, string Word)> Processes(Guid id)
    {
        foreach (string line in Leftovers.GroupOf(id) is string group ? File.ReadAllLines($"{group}/cgroup.procs") : [])
        {
            string command = File.Exists($"/proc/{line}/cmdline") ? File.ReadAllText($"/proc/{line}/cmdline") : "";
            if (command.Split('\0') is ["cage", string word, ..]) yield return (int.Parse(line, System.Globalization.CultureInfo.InvariantCulture), word);
        }
    }

    [ToolFact("unshare")]
    public void AHostWithoutALogSaysSo()
    {
        StartOn($"{Store.Files}/nowhere/log", "jail", "log");
        StartThere().Failed(1, "/dev/log", "ENOENT", "syslog");
        Cage("set", "web", "--device", "log", "--device", "l*:hide").Silently();
        StartThere().Silently();
        Assert.Equal(Usual, Nodes());
    }
}
