namespace Cage.Cli.Tests;

/// <summary>Several commands on one cage, or one store, at once.</summary>
public sealed class ConcurrencyTests : CageTest
{
    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void OfManyStartsOneStarts(string isolation)
    {
        string id = Store.Stopped(isolation);
        for (int round = 0; round < 3; round++)
        {
            Outcome[] starts = AtOnce(8, _ => ["start", "web"]);
            Assert.Single(starts, start => start.Status == 0);
            Assert.All(starts.Where(start => start.Status != 0), start => start.Failed(1, "runs already"));
            Assert.Equal(1, Cage("mounts", "web", "--json").Objects().Count(mount => mount.Text("target") == "/"));
            Assert.All(AtOnce(8, _ => ["stop", "web"]), stop => stop.Ended(0));
            Store.NothingIsLeftOf(id);
        }
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void StartsAndStopsInAnyOrderLeaveOneOrTheOther(string isolation)
    {
        string id = Store.Stopped(isolation);
        for (int round = 0; round < 5; round++)
        {
            foreach (Outcome outcome in AtOnce(12, i => [i % 2 == 0 ? "start" : "stop", "web"]))
                if (outcome.Status != 0) outcome.Failed(1, "runs already");
            bool runs = Store.State("web") == "Running";
            if (runs) Assert.Equal("inside\n", Cage("exec", "web", "--", "echo", "inside").Ended(0).Output);
            Cage("stop", "web").Ended(0);
            Store.NothingIsLeftOf(id);
        }
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void WhatIsExecutedWhileItStopsEndsToo(string isolation)
    {
        string id = Store.Stopped(isolation);
        for (int round = 0; round < 8; round++)
        {
            Cage("start", "web").Silently();
            Child[] execs = [.. Enumerable.Range(0, 6).Select(_ => Store.StartCage("exec", "web", "--", "sleep", "1000"))];
            Wait.Exactly(TimeSpan.FromMilliseconds(round));
            Cage("stop", "web", "--timeout", "0.5").Ended(0);
            foreach (Child exec in execs) Assert.Contains(exec.Exit(), (int[])[125, 128 + Child.SIGTERM, 128 + Child.SIGKILL]);
            Store.NothingIsLeftOf(id);
        }
    }

    [RootFact]
    public void ManyAreMadeStartedAndRemovedAtOnce()
    {
        Store.Host();
        string[] isolations = ["chroot", "pivot", "jail"];
        string[] ids = [.. AtOnce(16, i => ["new", $"c{i}", "--base", "host", "--isolation", isolations[i % 3]]).Select(made => made.Ended(0).Output.Trim())];
        Assert.Equal(16, ids.Distinct().Count());
        Assert.All(AtOnce(16, i => ["start", $"c{i}"]), start => start.Silently());
        Outcome[] execs = AtOnce(16, i => ["exec", $"c{i}", "--", "echo", $"c{i}"]);
        for (int i = 0; i < execs.Length; i++) Assert.Equal($"c{i}\n", execs[i].Ended(0).Output);
        Assert.All(AtOnce(16, i => ["remove", "--force", $"c{i}"]), remove => remove.Ended(0));
        Store.NothingIsLeftOf(ids);
        Assert.Single(Cage("list", "--json").Objects());
    }

    [RootFact]
    public void ARemovalAndAStartDoNotMeet()
    {
        for (int round = 0; round < 5; round++)
        {
            string id = Store.Stopped("jail");
            Outcome[] outcomes = AtOnce(6, i => [i % 2 == 0 ? "start" : "remove", id]);
            Assert.All(outcomes, outcome => Assert.Contains(outcome.Status, (int[])[0, 1]));
            Cage("remove", "--force", id);
            Assert.False(Directory.Exists($"{Store.Data}/{id}.w"));
            Store.NothingIsLeftOf(id);
        }
    }

    private Outcome[] AtOnce(int count, Func<int, string[]> arguments)
    {
        Child[] children = [.. Enumerable.Range(0, count).Select(i => Store.StartCage(arguments(i)))];
        return [.. children.Select(child => child.End())];
    }
}
