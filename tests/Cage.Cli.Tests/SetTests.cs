using System.Text.Json;

namespace Cage.Cli.Tests;

/// <summary>cage set, and what new, set and run take as limits.</summary>
public sealed class SetTests : CageTest
{
    private JsonElement Limits(string name) => Cage("show", name, "--json").Objects()[0].GetProperty("limits");

    [RootFact]
    public void LimitsAreGivenAtNewChangedBySetAndShown()
    {
        string host = Store.Host();
        Store.New("web", "--base", host, "--memory", "512M", "--cpu", "0.5", "--processes=100");
        JsonElement limits = Limits("web");
        Assert.Equal(512L << 20, limits.GetProperty("memory").GetInt64());
        Assert.Equal(0.5m, limits.GetProperty("cpu").GetDecimal());
        Assert.Equal(JsonValueKind.Null, limits.GetProperty("swap").ValueKind);
        Cage("set", "web", "--memory", "none", "--swap", "0", "--processes", "50").Silently();
        Assert.Contains("limits      swap 0, cpu 0.5, processes 50\n", Cage("show", "web").Ended(0).Output);
        Cage("set", "web", "--name", "site", "--memo", "a\nb", "--environment", "A=1").Silently();
        JsonElement site = Cage("show", "site", "--json").Objects()[0];
        Assert.Equal("a\nb", site.Text("memo"));
        Assert.Equal(50, site.GetProperty("limits").GetProperty("processes").GetInt32());
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void ARunningCageIsHeldToThemAtOnce(string isolation)
    {
        string id = Store.Running(isolation);
        Cage("set", id, "--processes", "8").Silently();
        Assert.Contains("fork: retry", Cage("exec", id, "--", "bash", "-c", "for i in 1 2 3 4 5 6 7 8 9; do sleep 1 & done; wait").Error);
        Cage("set", id, "--processes", "none").Silently();
        Cage("exec", id, "--", "bash", "-c", "for i in 1 2 3 4 5 6 7 8 9; do sleep 0 & done; wait").Silently();
        Cage("stop", id).Silently();
        Store.NothingRuns(id);
    }

    [RootFact]
    public void ARunHasThemToo()
    {
        string host = Store.Host();
        Assert.Contains("fork: retry", Cage("run", "--base", host, "--processes", "8", "--", "bash", "-c", "for i in 1 2 3 4 5 6 7 8 9; do sleep 1 & done; wait").Error);
        Assert.Equal(137, Cage("run", "--base", host, "--memory=16M", "--swap=0", "--", "bash", "-c", "x=; while :; do x=$x$(printf '%01000000d' 0); done").Status);
    }

    [RootFact]
    public void BindsAndTmpfsAreGivenShownChangedAndRun()
    {
        string host = Store.Host();
        File.WriteAllText($"{Store.Files}/file", "text\n");
        Store.New("web", "--base", host, "--bind", $"{Store.Files}:/srv/www:ro", "--bind", $"{Store.Files}/file:/etc/given", "--tmpfs", "/scratch:1M");
        JsonElement web = Cage("show", "web", "--json").Objects()[0];
        Assert.Equal([$"{Store.Files}:/srv/www:ro", $"{Store.Files}/file:/etc/given"], web.GetProperty("binds").EnumerateArray().Select(bind => bind.GetString()));
        Assert.Contains($"bind {Store.Files} ro nosuid nodev", Cage("plan", "web").Ended(0).Output);
        Cage("start", "web").Silently();
        Assert.Equal("text\ntext\n", Inside("cat /srv/www/file /etc/given; touch /scratch/x").Ended(0).Output);
        Cage("set", "web", "--bind", "none").Failed(1, "runs");
        Cage("stop", "web").Silently();
        Cage("set", "web", "--bind", "none", "--tmpfs", "/other").Silently();
        web = Cage("show", "web", "--json").Objects()[0];
        Assert.Equal(0, web.GetProperty("binds").GetArrayLength());
        Assert.Equal("/other", web.GetProperty("tmpfs")[0].GetString());
        Assert.Equal("text\n", Store.Bash($"cd {Store.Files} && $CAGE run --base {host} --bind ./file:/given:ro --tmpfs /scratch -- sh -c 'cat /given; touch /scratch/x'").Ended(0).Output);
        Cage("new", "x", "--bind", "/nowhere/at/all").Failed(2, "--bind", "SOURCE:TARGET");
    }

    [CageFact]
    public void BasesAndIsolationChangeWhileItIsStopped()
    {
        // Not the live host, in which other layers of this store may lie.
        string small = Store.New("small", "--read-only"), other = Store.New("other", "--read-only"), id = Store.New("web", "--base", small);
        Cage("set", "web", "--base", "other", "--base", small, "--isolation", "pivot").Silently();
        JsonElement web = Cage("show", "web", "--json").Objects()[0];
        Assert.Equal([other, small], web.GetProperty("base").EnumerateArray().Select(layer => layer.GetString()));
        Assert.Equal("Pivot", web.Text("isolation"));
        Cage("start", "web").Silently();
        Cage("set", "web", "--isolation", "jail").Failed(1, "runs");
        Cage("set", "web", "--base", "none").Failed(1, "runs");
        Cage("stop", "web").Silently();
        Cage("set", "web", "--base", "none", "--isolation", "jail").Silently();
        web = Cage("show", "web", "--json").Objects()[0];
        Assert.Equal((0, "Jail"), (web.GetProperty("base").GetArrayLength(), web.Text("isolation")));
        Cage("set", "web", "--isolation", "prison").Failed(2, "chroot, pivot, jail");
        Cage("set", "web", "--base", "nobody").Failed(1, "nobody");
        Cage("set", "other", "--isolation", "jail").Failed(1, "read-only", "isolation");
        Cage("set", "other", "--base", "small").Silently();
        Cage("set", "web", "--setuid", "allow").Silently();
        Cage("set", "web", "--isolation", "chroot").Failed(1, "jail");
        Assert.Contains("\nisolation=jail\n", File.ReadAllText($"{Store.Data}/{id}.w/cage.conf"));
    }

    [RootFact]
    public void WhatCannotBeIsAUsageErrorAndChangesNothing()
    {
        string host = Store.Host();
        Store.New("web", "--base", host);
        string before = File.ReadAllText($"{Store.Data}/{Cage("show", "web", "--json").Objects()[0].Text("id")}.w/cage.conf");
        foreach (string[] wrong in (string[][])[["--memory", "x"], ["--cpu", "0"], ["--processes", "1"], ["--cpu-weight", "20000"], ["--memory", "1M", "--memory", "2M"], ["--colour", "red"]])
        {
            Cage(["set", "web", .. wrong]).Failed(2, wrong[0]);
            Cage(["new", "other", .. wrong]).Failed(2, wrong[0]);
        }
        Cage("new", "other", "--read-only", "--memory", "1G").Failed(2, "memory");
        Cage("set", host, "--memory", "1G").Failed(1, "read-only", "memory");
        Cage("set", "web", "--name", "a#b").Failed(1, "a#b");
        Cage("set").Failed(2);
        Assert.Equal(before, File.ReadAllText($"{Store.Data}/{Cage("show", "web", "--json").Objects()[0].Text("id")}.w/cage.conf"));
        Assert.Contains("--memory BYTES", Cage("help", "set").Ended(0).Output);
    }
}
