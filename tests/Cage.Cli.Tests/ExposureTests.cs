using System.Text.Json;

namespace Cage.Cli.Tests;

/// <summary>cage exposure, and what cage check says of settings.</summary>
public sealed class ExposureTests : CageTest
{
    [RootFact]
    public void WhatIsOpenIsToldTheWorstFirstWithWhatClosesIt()
    {
        string host = Store.Host();
        string id = Store.New("web", "--base", host, "--isolation", "chroot", "--bind", "/etc/hosts:/etc/h:ro");
        JsonElement[] found = Cage("exposure", "web", "--json").Objects();
        Assert.Equal(("High", "Isolation", "chroot", "--isolation jail"), (found[0].Text("risk"), found[0].Text("kind"), found[0].Text("item"), found[0].Text("remedy")));
        Assert.All(found, item => Assert.Equal(("web", id), (item.Text("cage"), item.Text("cageId"))));
        Assert.Contains(found, item => item.Text("item") == "/etc/hosts" && item.Text("risk") == "Low" && item.Text("reason")!.Contains("/etc/h", StringComparison.Ordinal));
        string[] lines = Cage("exposure", "web").Ended(0).Lines;
        Assert.Equal(found.Length + 1, lines.Length);
        Assert.StartsWith("RISK", lines[0]);
        Assert.StartsWith("High", lines[1]);
    }

    [RootFact]
    public void WhatIsClosedIsToldNoMore()
    {
        string host = Store.Host();
        Store.New("web", "--base", host, "--network", "none", "--memory", "1G", "--processes", "100", "--cpu", "1");
        Assert.DoesNotContain(Cage("exposure", "web", "--json").Objects(), item => item.Text("kind") is "Resource" or "Isolation" || item.Text("item") == "net");
        Cage("exposure", "nobody").Failed(1, "nobody");
        Cage("exposure").Failed(2);
    }

    /// <summary>While it runs the kernel is asked, which knows what was really given.</summary>
    [CageTheory]
    [InlineData("jail", false)]
    [InlineData("pivot", true)]
    public void OfARunningOneItIsTheKernelsWord(string isolation, bool isOpen)
    {
        string id = Store.Running(isolation);
        Assert.Equal(isOpen, Cage("exposure", id, "--json").Objects().Any(item => item.Text("item") is "CAP_SYS_ADMIN"));
        Assert.Equal(isOpen, Cage("exposure", id, "--json").Objects().Any(item => item.Text("item") is "/proc/sys"));
    }

    [RootFact]
    public void SettingsThatAreDangerousTogetherAreFoundByCheck()
    {
        Store.New("web", "--cap-add", "SYS_ADMIN", "--seccomp", "off");
        Outcome check = Cage("check", "web", "--json").Ended(1);
        JsonElement danger = Assert.Single(check.Parse());
        Assert.Equal(("Danger", "capability=+SYS_ADMIN with seccomp=off"), (danger.Text("kind"), danger.Text("path")));
        Assert.Contains("capability=+SYS_ADMIN with seccomp=off: ", Cage("check", "web").Ended(1).Output);
        Cage("set", "web", "--cap-add", "none", "--seccomp", "default").Silently();
        Cage("check", "web").Silently();
    }
}
