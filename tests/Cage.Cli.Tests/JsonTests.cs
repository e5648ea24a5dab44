using System.Text.Json;

namespace Cage.Cli.Tests;

/// <summary>What scripts read: the keys, types and order of <c>--json</c> are a promise.</summary>
public sealed class JsonTests : CageTest
{
    [RootFact]
    public void TheStartTimeIsTheSameWhoeverAsksAndWhenever()
    {
        Store.Host();
        Store.New("web", "--base", "host");
        Cage("start", "web").Silently();
        string? first = Cage("show", "web", "--json").Objects()[0].Text("startTime");
        Assert.NotNull(first);
        for (int i = 0; i < 20; i++) Assert.Equal(first, Cage("show", "web", "--json").Objects()[0].Text("startTime"));
    }

    private const string Odd = "a \"b\" \\c, d:e ü ☃ 🕊 'f'";

    private static readonly string[] _cageKeys =
        ["id", "name", "kind", "state", "isolation", "base", "memo", "path", "rootPath", "processId", "mountPoint", "startTime", "isLive", "binds", "tmpfs", "environment", "startScript", "stopScript", "userNamespace", "network", "limits", "device", "devices", "privileges"];

    [RootFact]
    public void DevicesAndPrivilegesAreTold()
    {
        Store.Host();
        Store.New("web", "--base", "host", "--device", "net/tun", "--device", "log", "--cap-add", "NET_ADMIN", "--cap-drop", "KILL", "--setuid", "allow");
        JsonElement web = Cage("show", "web", "--json").Objects()[0], privileges = web.GetProperty("privileges");
        Assert.Equal(("Private", """["net/tun","log"]"""), (web.Text("device"), string.Concat(web.GetProperty("devices").GetRawText().Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries))));
        Assert.Equal(["capabilityAdd", "capabilityDrop", "systemCalls", "systemCallAllow", "systemCallDeny", "setuid", "sockets"], Keys(privileges));
        Assert.Equal(("NET_ADMIN", "KILL", "Allow", "Default"), (privileges.GetProperty("capabilityAdd")[0].GetString(), privileges.GetProperty("capabilityDrop")[0].GetString(), privileges.Text("setuid"), privileges.Text("systemCalls")));
        string[] lines = Cage("show", "web").Ended(0).Lines;
        Assert.Contains("privileges  capability=-KILL capability=+NET_ADMIN setuid=allow", lines);
        Assert.Contains("devices     net/tun log", lines);
        Cage("set", "web", "--device", "host", "--cap-add", "none", "--cap-drop", "none", "--setuid", "deny").Silently();
        lines = Cage("show", "web").Ended(0).Lines;
        Assert.Contains("devices     host", lines);
        Assert.DoesNotContain(lines, line => line.StartsWith("privileges", StringComparison.Ordinal));
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void ShowIsAnArrayOfOneWithEveryKey(string isolation)
    {
        string id = Store.Stopped(isolation), path = $"{Store.Data}/{id}.w";
        JsonElement stopped = Cage("show", "web", "--json").Objects().Single();
        Assert.Equal(_cageKeys, Keys(stopped));
        Assert.Equal(id, stopped.Text("id"));
        Assert.Equal("web", stopped.Text("name"));
        Assert.Equal("Writable", stopped.Text("kind"));
        Assert.Equal("Stopped", stopped.Text("state"));
        Assert.Equal(isolation, stopped.Text("isolation")!.ToLowerInvariant());
        Assert.Equal([Store.Host()], stopped.GetProperty("base").EnumerateArray().Select(item => item.GetString()!));
        Assert.Equal("", stopped.Text("memo"));
        Assert.Equal(path, stopped.Text("path"));
        Assert.Equal(JsonValueKind.Null, stopped.GetProperty("rootPath").ValueKind);
        Assert.Equal(JsonValueKind.Null, stopped.GetProperty("processId").ValueKind);
        Assert.Equal($"{path}/mnt", stopped.Text("mountPoint"));
        Assert.Equal(JsonValueKind.Null, stopped.GetProperty("startTime").ValueKind);
        Assert.Equal(JsonValueKind.False, stopped.GetProperty("isLive").ValueKind);

        Cage("start", "web").Silently();
        JsonElement running = Cage("show", "web", "--json").Objects().Single();
        Assert.Equal(_cageKeys, Keys(running));
        Assert.Equal("Running", running.Text("state"));
        if (isolation == "chroot")
        {
            Assert.Equal($"{path}/mnt", running.Text("rootPath"));
            Assert.Equal(JsonValueKind.Null, running.GetProperty("processId").ValueKind);
            return;
        }
        int init = running.GetProperty("processId").GetInt32();
        Assert.Equal($"/proc/{init}/root", running.Text("rootPath"));
        Assert.InRange(DateTimeOffset.Now - running.GetProperty("startTime").GetDateTimeOffset(), TimeSpan.FromSeconds(-1), TimeSpan.FromMinutes(1));
        JsonElement listed = Cage("list", "--json").Objects().Single(cage => cage.Text("id") == id);
        foreach (string key in _cageKeys.Except(["startTime"])) Assert.Equal(running.GetProperty(key).GetRawText(), listed.GetProperty(key).GetRawText());
    }

    [RootFact]
    public void AReadOnlyCageHasNoIsolation()
    {
        Store.Host();
        JsonElement host = Cage("show", "host", "--json").Objects().Single();
        Assert.Equal(_cageKeys, Keys(host));
        Assert.Equal("ReadOnly", host.Text("kind"));
        Assert.Equal(JsonValueKind.True, host.GetProperty("isLive").ValueKind);
        Assert.Equal(0, host.GetProperty("base").GetArrayLength());
        Assert.Equal($"{host.Text("path")}/root", host.Text("rootPath"));
        foreach (string key in (string[])["isolation", "processId", "mountPoint", "startTime"]) Assert.Equal(JsonValueKind.Null, host.GetProperty(key).ValueKind);
    }

    [Fact]
    public void NoCagesAreAnEmptyArray()
    {
        Assert.Empty(Cage("list", "--json").Objects());
        Assert.Empty(Cage("mounts", "--json").Objects());
    }

    [RootFact]
    public void OddNamesAndMemosComeThroughUnharmed()
    {
        Store.Host();
        string memo = "first \"line\"\nsecond\tline # and \\n é\n";
        string id = Store.New(Odd, "--base", "host", "--memo", memo);
        Cage("start", Odd).Silently();
        JsonElement cage = Cage("show", Odd, "--json").Objects().Single();
        Assert.Equal(Odd, cage.Text("name"));
        Assert.Equal(memo, cage.Text("memo"));
        Assert.All(Cage("mounts", Odd, "--json").Objects(), mount => Assert.Equal(Odd, mount.Text("cage")));
        Assert.Equal(2, Cage("list", "--json").Objects().Length);
        Assert.Equal(id, Cage("show", Odd, "--json").Objects().Single().Text("id"));
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void MountsAreTheKernelsOwn(string isolation)
    {
        string id = Store.Running(isolation);
        JsonElement[] mounts = Cage("mounts", "web", "--json").Objects();
        Assert.All(mounts, mount =>
        {
            Assert.Equal(["cage", "cageId", "source", "target", "type", "options", "propagation", "layers"], Keys(mount));
            Assert.All(["cage", "cageId", "source", "target", "type", "options", "propagation"], key => Assert.Equal(JsonValueKind.String, mount.GetProperty(key).ValueKind));
            Assert.Equal(id, mount.Text("cageId"));
        });
        string[] targets = [.. mounts.Select(mount => $"{mount.Text("type")} {mount.Text("target")}")];
        Assert.Equal("overlay /", targets[0]);
        Assert.All((string[])["proc /proc", "sysfs /sys", "tmpfs /dev", "devpts /dev/pts", "tmpfs /dev/shm", "tmpfs /tmp"], target => Assert.Contains(target, targets));
        Assert.Equal(["/"], mounts[0].GetProperty("layers").EnumerateArray().Select(layer => layer.GetString()!));
        Assert.Equal(0, mounts[1].GetProperty("layers").GetArrayLength());
        // The same as the table of the process that has them, or the host's below the mount point.
        int there = isolation == "chroot"
            ? HostView.Mounts($" {Store.MountPoint(id)}").Count
            : File.ReadAllLines($"/proc/{Store.InitOf("web")}/mountinfo").Length;
        Assert.Equal(there, mounts.Length);
        Cage("stop", "web").Silently();
        Assert.Empty(Cage("mounts", "web", "--json").Objects());
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void PlanSaysWhatIsDoneAndItIs(string isolation)
    {
        string id = Store.Stopped(isolation);
        JsonElement[] plan = Cage("plan", "web", "--json").Objects();
        for (int i = 0; i < plan.Length; i++)
        {
            Assert.Equal(["order", "side", "action", "target", "undo"], Keys(plan[i]));
            Assert.Equal(i + 1, plan[i].GetProperty("order").GetInt32());
            Assert.Matches("^(Host|Inside)$", plan[i].Text("side"));
            Assert.Equal(JsonValueKind.String, plan[i].GetProperty("action").ValueKind);
            Assert.Contains(plan[i].GetProperty("target").ValueKind, (JsonValueKind[])[JsonValueKind.String, JsonValueKind.Null]);
            Assert.Contains(plan[i].GetProperty("undo").ValueKind, (JsonValueKind[])[JsonValueKind.String, JsonValueKind.Null]);
        }
        Assert.Equal(isolation != "chroot", plan.Any(step => step.Text("side") == "Inside"));
        // A plan is only talk.
        Store.NothingRuns(id);
        Cage("start", "web").Silently();
        string?[] planned = [.. plan.Where(step => step.Text("action")!.StartsWith("mount ", StringComparison.Ordinal)).Select(step => step.Text("target"))];
        string?[] mounted = [.. Cage("mounts", "web", "--json").Objects().Select(mount => mount.Text("target"))];
        Assert.All(planned.Where(target => target != Store.MountPoint(id)), target => Assert.Contains(target, mounted));
        JsonElement[] stop = Cage("plan", "web", "--json").Objects();
        Assert.NotEmpty(stop);
        Assert.Equal("Running", Store.State("web"));
    }

    [RootFact]
    public void ABrokenCageIsToldAndDoesNotHideTheOthers()
    {
        Store.Host();
        const string Id = "11111111-2222-4333-8444-555555555555";
        Store.WriteCage($"{Id}.w", $"uuid={Id}\nname=broken\nbase=not-an-id\nroot=root\nwork=work\nmountpoint=mnt\n");
        string conf = $"{Store.Data}/{Id}.w/cage.conf";
        foreach (string command in (string[])["list", "mounts"])
        {
            Outcome outcome = Cage(command, "--json").Ended(1).Said(conf, "line 3", "base", "not-an-id");
            Assert.Equal(command == "list" ? 1 : 0, outcome.Parse().Length);
        }
        Assert.Contains("host", Cage("list").Ended(1).Said(conf).Output);
        Cage("show", "host", "--json").Ended(0);
        Cage("show", Id).Failed(1, conf, "line 3");
        Cage("show", "1111").Failed(1, conf, "line 3");
        File.WriteAllText(conf, $"uuid={Id}\nname=broken\nroot=root\nwork=work\nmountpoint=mnt\n");
        Cage("list").Ended(0);
    }

    private static IEnumerable<string> Keys(JsonElement value) => value.EnumerateObject().Select(member => member.Name);
}
