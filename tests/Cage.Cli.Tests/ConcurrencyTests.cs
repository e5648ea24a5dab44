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
            Assert.Equal(1, Cage("mounts", "web", "--json").Objects().Count(mount => mount.GetProperty("target").GetString() == "/"));
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

    [RootFact]
    public void ManyAreMadeStartedAndRemovedAtOnce()
    {
        Store.Host();
        string[] ids = [.. AtOnce(16, i => ["new", $"c{i}", "--base", "host", "--isolation", i % 3 == 0 ? "chroot" : i % 3 == 1 ? "pivot" : "jail"]).Select(made => made.Ended(0).Output.Trim())];
        Assert.Equal(16, ids.Distinct().Count());
        Assert.All(AtOnce(16, i => ["start", $"c{i}"]), start => start.Silently());
        Assert.Equal([.. Enumerable.Range(0, 16).Select(i => $"c{i}\n").Order()], AtOnce(16, i => ["exec", $"c{i}", "--", "echo", $"c{i}"]).Select(exec => exec.Ended(0).Output).Order());
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
