namespace Cage.Cli.Tests;

/// <summary>cage measure.</summary>
public sealed class MeasureTests : CageTest
{
    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void WhatRunsIsMeasured(string isolation)
    {
        Store.Running(isolation);
        using Child busy = StartInside("echo ready; read x");
        busy.WaitFor("ready");
        System.Text.Json.JsonElement usage = Cage("measure", "web", "--json").Objects().Single();
        Assert.Equal("Running", usage.Text("state"));
        Assert.True(usage.GetProperty("processorTime").GetDouble() > 0);
        Assert.True(usage.GetProperty("memory").GetInt64() > 0);
        Assert.True(usage.GetProperty("processes").GetInt32() >= 1);
        Assert.Equal(2, Cage("measure", "--json").Objects().Length);
        Assert.Matches("^NAME +STATE +CPU +MEMORY +PROCESSES +READ +WRITTEN +APPARENT +ALLOCATED +EXCLUSIVE\n", Cage("measure").Ended(0).Output);
        Assert.Single(Cage("measure", "web").Lines, line => line.StartsWith("web ", StringComparison.Ordinal));
        Cage("measure", "nobody").Failed(1, "nobody");
    }
}
