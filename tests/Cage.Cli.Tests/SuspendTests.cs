namespace Cage.Cli.Tests;

/// <summary>cage suspend, cage resume.</summary>
public sealed class SuspendTests : CageTest
{
    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void WhatRunsStandsStillUntilItIsResumed(string isolation)
    {
        string id = Store.Running(isolation);
        Cage("suspend", id).Silently();
        Assert.Equal("Suspended", Store.State(id));
        Assert.Contains("Suspended", Cage("list").Ended(0).Output);
        Cage("exec", id, "--", "true").Failed(125, "suspended", "cage resume");
        Assert.Contains("resume what is suspended", Cage("plan", id).Ended(0).Output);
        Cage("resume", id).Silently();
        Cage("exec", id, "--", "true").Silently();
        Cage("suspend", id).Silently();
        Cage("stop", id).Silently();
        Store.NothingRuns(id);
        Cage("suspend", id).Failed(1, "does not run");
        Cage("resume", id).Failed(1, "does not run");
    }
}
