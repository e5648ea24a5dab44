using Cage.Engine.Store;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>What a command in a Jail starts with, by default and as the cage says. What it cannot do then is for tests/escape.</summary>
public sealed class PrivilegeTests(SmallRoot root) : IClassFixture<SmallRoot>, IDisposable
{
    private const string Default = "00000000800405fb", None = "0000000000000000";

    private readonly TestStore _test = new();

    public void Dispose() => _test.Dispose();

    private static string[] Sets(string status) => [.. status.Split('\n').Where(line => line.StartsWith("Cap", StringComparison.Ordinal)).Select(line => line.Split('\t')[1])];

    private static string Value(string status, string key) => status.Split('\n').Single(line => line.StartsWith($"{key}:", StringComparison.Ordinal)).Split('\t')[1];

    private CageRecord Jail(CagePrivileges? privileges = null) =>
        privileges is null ? _test.NewCage(root, CageIsolation.Jail) : _test.Change(_test.NewCage(root, CageIsolation.Jail), privileges);

    [CageFact]
    public void Root_keeps_the_default_set_and_anybody_else_nothing()
    {
        using RunningCage web = _test.Start(Jail());
        string status = _test.Sh(web.Info, "cat /proc/self/status");
        // In the order of proc_pid_status(5): inheritable, permitted, effective, bounding, ambient.
        Assert.Equal([None, Default, Default, Default, None], Sets(status));
        Assert.Equal(("1", "2"), (Value(status, "NoNewPrivs"), Value(status, "Seccomp")));
        CommandResult alice = _test.Run(web.Info, TestStore.Command("/bin/cat", "/proc/self/status") with { User = "alice" });
        Assert.Equal([None, None, None, Default, None], Sets(alice.Output));
    }

    [CageFact]
    public void The_init_keeps_one_capability_and_the_filter()
    {
        using RunningCage web = _test.Start(Jail(new CagePrivileges { CapabilityAdd = ["ALL"], Setuid = SetuidMode.Allow }));
        string status = File.ReadAllText($"/proc/{web.Info.ProcessId}/status");
        Assert.Equal([None, "0000000000000020", "0000000000000020", "0000000000000020", None], Sets(status));
        Assert.Equal(("1", "2"), (Value(status, "NoNewPrivs"), Value(status, "Seccomp")));
        // All its threads have the filter.
        Assert.All(Directory.GetDirectories($"/proc/{web.Info.ProcessId}/task"), thread => Assert.Equal("2", Value(File.ReadAllText($"{thread}/status"), "Seccomp")));
    }

    [CageFact]
    public void The_cage_says_what_is_kept()
    {
        using (RunningCage web = _test.Start(Jail(new CagePrivileges { CapabilityDrop = ["all"], CapabilityAdd = ["cap_net_raw"], Setuid = SetuidMode.Allow, SystemCalls = SystemCallMode.Off })))
        {
            string status = _test.Sh(web.Info, "cat /proc/self/status");
            Assert.Equal("0000000000002000", Value(status, "CapBnd"));
            Assert.Equal(("0", "0"), (Value(status, "NoNewPrivs"), Value(status, "Seccomp")));
            Assert.DoesNotContain("nosuid", _test.Sh(web.Info, "cat /proc/self/mountinfo").Split('\n').Single(line => line.Split(' ')[4] == "/"));
        }
        using (RunningCage web = _test.Start(Jail(new CagePrivileges { SystemCallDeny = ["mkdir", "mkdirat"] })))
            Assert.Contains("Operation not permitted", _test.Run(web.Info, TestStore.Command("/bin/mkdir", "/tmp/x")).Error);
    }

    /// <summary>With set-user-ID programs allowed the filter comes before the user is taken: what it denies then fails, and says so.</summary>
    [CageFact]
    public void A_filter_that_keeps_a_command_from_starting_says_where()
    {
        using RunningCage web = _test.Start(Jail(new CagePrivileges { Setuid = SetuidMode.Allow, SystemCallDeny = ["setresuid"] }));
        CageException e = Assert.Throws<CageException>(() => _test.Run(web.Info, TestStore.Command("/bin/true")));
        Assert.Contains("setresuid: EPERM", e.Message);
    }

    [CageFact]
    public void A_command_has_none_of_its_callers_habits()
    {
        using RunningCage web = _test.Start(Jail());
        string[] before = Shell.Run("umask; cat /proc/self/oom_score_adj").Split('\n');
        Assert.Equal("0022 1024", _test.Sh(web.Info, "echo $(umask) $(ulimit -n)"));
        Assert.Equal("0", _test.Sh(web.Info, "cat /proc/self/oom_score_adj"));
        Assert.NotEmpty(before);
        // Three descriptors, and the one that ls reads the folder by.
        Assert.Equal("0 1 2 3", _test.Sh(web.Info, "echo $(ls /proc/self/fd)"));
    }

    [CageFact]
    public void Kernel_paths_are_covered()
    {
        using RunningCage web = _test.Start(Jail());
        foreach (string path in (string[])["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug", "/proc/interrupts"])
            Assert.Equal("", _test.Sh(web.Info, $"cat {path} 2>/dev/null || true"));
        foreach (string path in (string[])["/proc/acpi", "/proc/scsi", "/sys/firmware"]) Assert.Equal("", _test.Sh(web.Info, $"ls {path} 2>/dev/null || true"));
        foreach (string path in (string[])["/proc/sys/kernel/core_pattern", "/proc/irq/default_smp_affinity"])
            if (File.Exists(path)) Assert.Contains("Read-only file system", _test.Run(web.Info, TestStore.Command("/bin/sh", "-c", $": >>{path}")).Error);
        // What a program writes to about itself.
        _test.Sh(web.Info, "echo name >/proc/self/comm; echo 500 >/proc/self/oom_score_adj");
    }

    [Theory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    public void Elsewhere_they_would_have_no_effect_and_are_refused(CageIsolation isolation)
    {
        if (!Environment.IsPrivilegedProcess) return;
        CageException e = Assert.Throws<CageException>(() => _test.Create(new NewCage { Name = "x", Isolation = isolation, Privileges = new CagePrivileges { CapabilityDrop = ["KILL"] } }));
        Assert.Contains("jail", e.Message);
        CageRecord record = _test.NewCage(root, isolation);
        File.AppendAllText(record.ConfPath, "capability=-KILL\n");
        Assert.Contains("jail", Assert.Throws<CageException>(() => _test.Engine.Start(_test.Store.Get(record.Id)!)).Message);
    }

    [CageFact]
    public void They_cannot_change_while_it_runs()
    {
        CageRecord record = Jail();
        using RunningCage web = _test.Start(record);
        Assert.Equal(CageError.CageAlreadyRunning, Assert.Throws<CageException>(() => _test.Change(record, new CagePrivileges { CapabilityAdd = ["NET_RAW"] })).Error);
    }
}
