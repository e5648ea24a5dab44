namespace Cage.Cli.Tests;

/// <summary>cage copy, rename, wait, log, spawn, services, end.</summary>
public sealed class UpkeepTests : CageTest
{
    [Theory]
    [InlineData("copy a")]
    [InlineData("copy a b c")]
    [InlineData("rename a")]
    [InlineData("wait")]
    [InlineData("wait a --until gone")]
    [InlineData("wait a --timeout soon")]
    [InlineData("log")]
    [InlineData("log a --tail x")]
    [InlineData("spawn a")]
    [InlineData("spawn -- true")]
    [InlineData("spawn a --restart maybe -- true")]
    [InlineData("end a")]
    public void WhatCannotBeUnderstoodEndsWith2(string line) => Cage(line.Split(' ')).Failed(2);

    [RootFact]
    public void ACopyHasAnotherIdAndTheFiles()
    {
        string id = Store.Stopped("jail");
        File.WriteAllText($"{Store.Data}/{id}.w/root/kept", "yes");
        string copy = Cage("copy", "web", "web2").Ended(0).Output.Trim();
        Assert.NotEqual(id, copy);
        Assert.Equal("yes", File.ReadAllText($"{Store.Data}/{copy}.w/root/kept"));
        Cage("rename", "web2", "shop").Silently();
        Assert.Equal(copy, Cage("show", "shop", "--json").Objects().Single().Text("id"));
    }

    [RootFact]
    public void WaitingEndsWithTheTimeOrTheStop()
    {
        Store.Stopped("jail");
        Cage("wait", "web", "--timeout", "1").Silently();
        Cage("start", "web").Silently();
        Cage("wait", "web", "--until=running").Silently();
        Cage("wait", "web", "--timeout", "0.2").Failed(1, "not Stopped");
        Cage("stop", "web", "--force").Silently();
    }

    [RootFact]
    public void ALogMayBeLargerThanMemory()
    {
        string id = Store.Stopped("jail");
        Store.Shell($"cd $STORE/data/{id}.w; mkdir log; truncate -s 400M log/x.log; printf '\\na\\nb\\nc' >>log/x.log").Ended(0);
        Assert.Equal("b\nc\n", Cage("log", "web", "--tail", "2").Ended(0).Output);
        Assert.Equal("", Cage("log", "web", "--tail", "0").Ended(0).Output);
        Assert.Equal("a\nb\nc\n", Store.Shell("\"$CAGE\" log web | tail -n 3").Ended(0).Output);
        Assert.Equal("", Store.Shell("\"$CAGE\" log web | head -c 1000000 | tr -d '\\0'").Ended(0).Output);
    }

    [RootFact]
    public void AServiceIsStartedListedReadAndEnded()
    {
        Store.Stopped("jail");
        Cage("start", "web").Silently();
        Cage("spawn", "web", "--service", "clock", "--restart", "always", "-e", "A=tick", "--", "sh", "-c", "echo $A; exec sleep 1000").Silently();
        Cage("spawn", "web", "--service", "clock", "--", "true").Failed(1, "runs already");
        System.Text.Json.JsonElement service = Cage("services", "web", "--json").Objects().Single();
        Assert.Equal(("web", "clock", "Running"), (service.Text("cage"), service.Text("name"), service.Text("state")));
        Assert.Matches("^CAGE +SERVICE +STATE +PID +LOG\nweb +clock +Running +[0-9]+ +/.*/log/clock\\.log\n$", Cage("services").Ended(0).Output);
        Wait.Until(() => Cage("log", "web").Output.Contains("tick"), () => "the service said nothing");
        Assert.Matches("^-- .*Z started as process [0-9]+: sh -c .*\ntick\n$", Cage("log", "web", "--log", "clock").Ended(0).Output);
        Assert.Equal("tick\n", Cage("log", "web", "--tail", "1").Ended(0).Output);
        Cage("log", "web", "--log", "none").Failed(1, "clock");
        Cage("end", "web", "--service", "clock").Silently();
        Assert.Equal("Stopped", Cage("services", "web", "--json").Objects().Single().Text("state"));
        Cage("stop", "web", "--force").Silently();
    }
}
