namespace Cage.Cli.Tests;

/// <summary>The grammar of the command line, the exit status, and what goes to which stream.</summary>
public sealed class GrammarTests : CageTest
{
    private static readonly string[] _commands = ["new", "list", "show", "start", "stop", "exec", "enter", "run", "plan", "mounts", "remove",
        "deps", "packs", "add", "drop", "contents", "accounts", "check", "update", "clear", "trace", "shim", "shims", "unshim"];

    [Fact]
    public void WithoutArgumentsItExplainsItselfOnStandardError()
    {
        Outcome outcome = Cage().Ended(2);
        Assert.Empty(outcome.Output);
        Assert.StartsWith("usage: cage ", outcome.Error);
    }

    [Theory]
    [InlineData("help")]
    [InlineData("--help")]
    [InlineData("-h")]
    public void HelpNamesEveryCommandOnStandardOutput(string word)
    {
        Outcome outcome = Cage(word).Ended(0);
        Assert.Empty(outcome.Error);
        foreach (string command in _commands) Assert.Matches($"(?m)^  {command} +[a-z]", outcome.Output);
    }

    [Fact]
    public void HelpOfACommandHasItsUsage()
    {
        foreach (string command in _commands)
        {
            Outcome help = Cage("help", command).Ended(0);
            Assert.StartsWith($"cage {command} ", help.Output);
            foreach (string[] line in (string[][])[[command, "--help"], [command, "-h"], [command, "web", "--help"], [command, "-h", "--", "true"]])
            {
                Outcome asked = Cage(line).Ended(0);
                Assert.Equal(help.Output, asked.Output);
                Assert.Empty(asked.Error);
            }
        }
        foreach (string[] line in (string[][])[["help", "snapshot"], ["snapshot", "--help"]])
            Assert.Equal(["new", "list", "remove"], Cage(line).Ended(0).Lines.Where(text => text.StartsWith("cage snapshot ", StringComparison.Ordinal)).Select(text => text.Split(' ')[2]));
        Assert.Equal(Cage("help").Output, Cage("help", "help").Ended(0).Output);
    }

    [RootFact]
    public void BehindTheDashesHelpIsTheCommands()
    {
        Store.Host();
        Assert.Equal("--help\n", Cage("run", "--base", "host", "--", "sh", "-c", "echo $0", "--help").Ended(0).Output);
    }

    [Fact]
    public void VersionIsOneLine() => Assert.Matches(@"^cage \d+\.\d+\.\d+\n$", Cage("--version").Ended(0).Output);

    [Theory]
    [InlineData("frobnicate")]
    [InlineData("help frobnicate")]
    [InlineData("--json list")]
    [InlineData("list a")]
    [InlineData("list -- a")]
    [InlineData("list --xml")]
    [InlineData("list --json=1")]
    [InlineData("show")]
    [InlineData("show a b")]
    [InlineData("start")]
    [InlineData("start a --force")]
    [InlineData("start -- a")]
    [InlineData("stop --force")]
    [InlineData("stop a --timeout")]
    [InlineData("stop a --timeout soon")]
    [InlineData("stop a --timeout=-1")]
    [InlineData("stop a --timeout 1 --timeout 2")]
    [InlineData("remove")]
    [InlineData("plan")]
    [InlineData("mounts a b")]
    [InlineData("new")]
    [InlineData("new a b")]
    [InlineData("new a --isolation vm")]
    [InlineData("new a --source /")]
    [InlineData("new a --read-only --isolation jail")]
    [InlineData("new a --read-only --source-mode copy")]
    [InlineData("new a --read-only --source / --source-mode melt")]
    [InlineData("new a --memo x --memo y")]
    public void WhatCannotBeUnderstoodEndsWith2(string line)
    {
        Cage(line.Split(' ')).Failed(2);
        Assert.False(Directory.Exists(Store.Data), "and yet it made a store");
    }

    [Theory]
    [InlineData("exec")]
    [InlineData("exec a")]
    [InlineData("exec a --")]
    [InlineData("exec -- true")]
    [InlineData("exec a b -- true")]
    [InlineData("exec --nope a -- true")]
    [InlineData("exec a -u")]
    [InlineData("enter")]
    [InlineData("enter a b")]
    [InlineData("enter a -- sh")]
    [InlineData("run")]
    [InlineData("run --")]
    [InlineData("run a -- true")]
    [InlineData("run --isolation vm -- true")]
    public void WhereACommandIsRunItEndsWith125(string line) => Cage(line.Split(' ')).Failed(125, "usage: cage ");

    [RootFact]
    public void OptionsStandAnywhereBeforeTheDashes()
    {
        Store.Host();
        string first = Store.New("--isolation=pivot", "web", "--base=host", "--memo=a=b"), second = Store.New("--base", "host", "db", "--isolation", "pivot", "--memo", "a=b");
        foreach (string id in (string[])[first, second])
        {
            string conf = File.ReadAllText($"{Store.Data}/{id}.w/cage.conf");
            Assert.Contains("\nisolation=pivot\n", conf);
            Assert.Contains("\nmemo=a=b\n", conf);
            Assert.Contains($"\nbase={Store.Host()}\n", conf);
        }
        Cage("start", "web").Silently();
        Assert.Equal("/usr\n", Cage("exec", "-w", "/usr", "web", "--user=root", "--", "pwd").Ended(0).Output);
        Assert.Equal("-u nobody --\n", Cage("exec", "web", "--", "echo", "-u", "nobody", "--").Ended(0).Output);
        Cage("stop", "--timeout=0.5", "web", "--force").Silently();
    }

    [RootFact]
    public void CommandsWithoutDataPrintNothing()
    {
        Store.Host();
        Store.New("web", "--base", "host");
        Cage("start", "web").Silently();
        Cage("stop", "web").Silently();
        Cage("stop", "web").Silently();
        Cage("remove", "web").Silently();
        Cage("remove", "host").Silently();
        Assert.Empty(Cage("list", "--json").Objects());
    }

    [RootFact]
    public void TablesAreForPeople()
    {
        Store.Host();
        string id = Store.New("web", "--base", "host", "--memo", "first line\nsecond line");
        Assert.Matches(
            $"^NAME +ID +KIND +STATE +ISOLATION +PID +MEMO\nhost +{Store.Host()} +ReadOnly \\(live\\) +Stopped\nweb +{id} +Writable +Stopped +Jail +first line\n$",
            Cage("list").Ended(0).Output);
        Cage("start", "web").Silently();
        int init = Store.InitOf("web");
        Assert.Matches($"(?m)^web +{id} +Writable +Running +Jail +{init} +first line$", Cage("list").Ended(0).Output);
        string show = Cage("show", "web").Ended(0).Output;
        string[] lines =
        [
            $"id +{id}", "name +web", "kind +Writable", "state +Running", "isolation +Jail", $"base +{Store.Host()}",
            $"process id +{init}", $"root path +/proc/{init}/root",
        ];
        Assert.All(lines, line => Assert.Matches($"(?m)^{line}$", show));
        Assert.Matches("(?m)^memo +first line\n +second line$", show);
        Assert.Matches("^CAGE +TARGET +TYPE +SOURCE +PROPAGATION +OPTIONS\nweb +/ +overlay +overlay +private +", Cage("mounts", "web").Ended(0).Output);
        Assert.Matches("(?m)^1 +Host +.*control group$|^1 +Host +", Cage("plan", "web").Ended(0).Output);
        // Nothing that is printed has blanks at its ends.
        Assert.DoesNotMatch("(?m) $", Cage("list").Output + Cage("mounts").Output + Cage("plan", "web").Output);
    }

    [RootFact]
    public void ACageIsMeantByNameIdOrTheBeginningOfItsId()
    {
        string id = Store.Stopped("jail");
        foreach (string selector in (string[])["web", id, id[..8], id.ToUpperInvariant(), id[..13].ToUpperInvariant()])
            Assert.Equal(id, Cage("show", selector, "--json").Objects().Single().Text("id"));
    }

    [RootFact]
    public void ANameGoesBeforeTheBeginningOfAnId()
    {
        string id = Store.Stopped("jail"), named = Store.Stopped("jail", id[..6]);
        Assert.Equal(named, Cage("show", id[..6], "--json").Objects().Single().Text("id"));
    }

    [RootFact]
    public void ANameThatFitsSeveralIsRefusedWithTheirIds()
    {
        string one = Store.Stopped("jail"), two = Store.Stopped("jail");
        foreach (string command in (string[])["show", "start", "stop", "remove", "plan", "mounts"]) Cage(command, "web").Failed(1, one, two);
        Cage("exec", "web", "--", "true").Failed(125, one, two);
        Cage("new", "more", "--base", "web").Failed(1, one, two);
        Assert.Equal(3, Cage("list", "--json").Objects().Length);
        Store.NothingRuns(one, two);
    }

    [RootFact]
    public void TheBeginningOfSeveralIdsIsRefused()
    {
        Store.WriteCage("abcdef00-0000-4000-8000-000000000001.r", "uuid=abcdef00-0000-4000-8000-000000000001\nname=one\nroot=root\n");
        Store.WriteCage("abcdef00-0000-4000-8000-000000000002.r", "uuid=abcdef00-0000-4000-8000-000000000002\nname=two\nroot=root\n");
        Cage("show", "abcdef").Failed(1, "abcdef00-0000-4000-8000-000000000001", "abcdef00-0000-4000-8000-000000000002");
        Cage("show", "abcdef00-0000-4000-8000-000000000002").Ended(0);
    }

    [RootFact]
    public void OneOfSeveralThatFailsDoesNotKeepTheOthers()
    {
        Store.Stopped("jail", "x");
        Store.Stopped("pivot", "z");
        foreach (string command in (string[])["start", "stop", "remove"])
        {
            Cage(command, "x", "y", "z").Failed(1, "\"y\"");
            string?[] states = [.. Cage("list", "--json").Objects().Where(cage => cage.Text("name") is "x" or "z").Select(cage => cage.Text("state"))];
            Assert.Equal(command switch { "start" => ["Running", "Running"], "stop" => ["Stopped", "Stopped"], _ => (string[])[] }, states);
        }
    }
}
