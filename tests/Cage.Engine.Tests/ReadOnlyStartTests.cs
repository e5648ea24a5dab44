using Cage.Engine.Plans;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>A start that writes nothing, in no isolation, over a base and without one.</summary>
public sealed class ReadOnlyStartTests(SmallRoot root) : IClassFixture<SmallRoot>, IDisposable
{
    private readonly TestStore _test = new();

    public void Dispose() => _test.Dispose();

    [CageTheory]
    [InlineData(CageIsolation.Chroot, true)]
    [InlineData(CageIsolation.Chroot, false)]
    [InlineData(CageIsolation.Pivot, true)]
    [InlineData(CageIsolation.Pivot, false)]
    [InlineData(CageIsolation.Jail, true)]
    [InlineData(CageIsolation.Jail, false)]
    public void Nothing_can_be_written_and_nothing_is(CageIsolation isolation, bool overBase)
    {
        CageRecord record = overBase ? _test.NewCage(root, isolation) : _test.Create(new NewCage { Name = "web", Isolation = isolation }).Record;
        if (!overBase) Shell.Run("cp -a \"$from\"/. \"$to\"", ("from", root.Path), ("to", record.RootPath));
        using (RunningCage writable = _test.Start(record)) _test.Sh(writable.Info, "echo own >/etc/own");
        var before = Everything(record);
        CageInfo info = _test.Engine.Start(record, new StartOptions { ReadOnly = true });
        using RunningCage web = new(_test, info);
        Assert.Equal("small own", _test.Sh(info, "echo $(cat /etc/base /etc/own)"));
        foreach (string line in new[] { "echo x >/etc/new", "echo x >>/etc/own", "rm /etc/base", "mkdir /new", "chmod 700 /etc", "mv /etc/own /etc/other", "touch /var/x" })
        {
            CommandResult result = _test.Run(info, TestStore.Command("/bin/bash", "-c", $"{line}"));
            Assert.NotEqual(0, result.Status);
            Assert.Contains("Read-only", result.Error);
        }
        _test.Sh(info, "echo x >/tmp/x; echo x >/dev/shm/x; echo x >/dev/null");
        Assert.Empty(_test.Stop(record));
        _test.AssertNothingLeft(record);
        AssertSame(before, Everything(record));
    }

    /// <summary>One that was never started, over a root that has none of what is mounted on.</summary>
    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Jail)]
    public void The_first_start_can_be_one(CageIsolation isolation)
    {
        CageRecord record = _test.NewCage(root, isolation);
        var before = Everything(record);
        using RunningCage web = new(_test, _test.Engine.Start(record, new StartOptions { ReadOnly = true }));
        Assert.Equal("small", _test.Sh(web.Info, "cat /etc/base"));
        Assert.Contains(_test.Engine.GetMounts(web.Info), mount => mount.Target == "/" && mount.Options.Split(',').Contains("ro"));
        _test.Stop(record);
        AssertSame(before, Everything(record));
        Plan plan = _test.Engine.PlanStart(record, new StartOptions { ReadOnly = true });
        Assert.Contains(plan.Steps, step => step.Action.Contains("overlay ro ", StringComparison.Ordinal));
    }

    private static SortedDictionary<string, string> Everything(CageRecord record) => TreeImage.Of(record.Path);

    /// <summary>But for when something was read last.</summary>
    private static void AssertSame(SortedDictionary<string, string> before, SortedDictionary<string, string> after) =>
        Assert.Equal(before.Select(Still), after.Select(Still));

    private static string Still(KeyValuePair<string, string> entry) => $"{entry.Key} {System.Text.RegularExpressions.Regex.Replace(entry.Value, "atime=[^ ]*", "")}";
}
