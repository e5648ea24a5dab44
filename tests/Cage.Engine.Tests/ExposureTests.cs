using Cage.Engine.Exposure;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>What of the host can be reached from inside: what is open is told with what closes it, and what is closed is not told any more.</summary>
public sealed class ExposureTests(SmallRoot root) : IClassFixture<SmallRoot>, IDisposable
{
    private readonly TestStore _test = new();

    public void Dispose() => _test.Dispose();

    private CageRecord NewCage(NewCage request) => _test.Create(request with { Base = [_test.NewBase(root.Path)] }).Record;

    private string[] Of(CageRecord record) => [.. _test.Engine.FindExposure(_test.Look(record)).Select(item => $"{item.Risk} {item.Kind} {item.Item}")];

    [CageFact]
    public void A_chroot_is_told_first_and_a_jail_is_not()
    {
        CageRecord record = NewCage(new NewCage { Name = "web", Isolation = CageIsolation.Chroot });
        Assert.Equal(["High Isolation chroot", "High Namespace pid, ipc, uts, cgroup"], Of(record)[..2]);
        record = _test.Engine.Change(record, before => before with { Isolation = CageIsolation.Jail }).Record;
        Assert.DoesNotContain(Of(record), item => item.Contains("Isolation", StringComparison.Ordinal) || item.Contains("pid", StringComparison.Ordinal));
    }

    [CageFact]
    public void Shares_are_told_by_what_can_be_done_with_them()
    {
        string file = $"{_test.Folder}/file", socket = $"{_test.Folder}/socket";
        File.WriteAllText(file, "");
        using System.Net.Sockets.Socket listener = new(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
        listener.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(socket));
        CageRecord record = NewCage(new NewCage { Name = "web", Device = DeviceView.Host, Binds = [CageBind.Parse($"{file}:/a"), CageBind.Parse("/etc:/b:ro"), CageBind.Parse("/usr:/c:dev"), CageBind.Parse($"{socket}:/d")] });
        string[] found = Of(record);
        Assert.Superset(new HashSet<string> { "High Device /dev", $"Medium File {file}", "Low File /etc", "High File /usr", "High Device /usr", $"High Socket {socket}" }, found.ToHashSet());
        CageExposure writable = _test.Engine.FindExposure(_test.Look(record)).First(item => item.Item == file);
        Assert.Equal($"--bind {file}:/a:ro", writable.Remedy);
        Assert.Equal(found.OrderByDescending(item => Enum.Parse<ExposureRisk>(item.Split(' ')[0])), found);
    }

    [CageFact]
    public void Network_and_limits_are_told_until_they_are_set()
    {
        CageRecord record = NewCage(new NewCage { Name = "web" });
        Assert.Superset(new HashSet<string> { "Medium Namespace net", "Low Resource memory", "Low Resource processes", "Low Resource cpu" }, Of(record).ToHashSet());
        record = _test.Engine.Change(record, before => before with
        {
            Network = new CageNetwork { Mode = NetworkMode.None }, Limits = new CageLimits { Memory = 1 << 30, Processes = 100, Cpu = 1 },
        }).Record;
        Assert.Empty(Of(record));
    }

    [CageFact]
    public void Of_a_running_one_the_kernel_is_asked()
    {
        CageRecord pivot = NewCage(new NewCage { Name = "pivot", Isolation = CageIsolation.Pivot });
        using (_test.Start(pivot)) Assert.Superset(new HashSet<string> { "High Kernel /proc/sys", "High Kernel /sys", "High Capability CAP_SYS_ADMIN", "Medium Namespace user" }, Of(pivot).ToHashSet());
        CageRecord jail = NewCage(new NewCage { Name = "jail" });
        using RunningCage running = _test.Start(jail);
        Assert.DoesNotContain(Of(jail), item => item.StartsWith("High", StringComparison.Ordinal));
        // What is told of it is what its processes have.
        ulong bounding = Convert.ToUInt64(File.ReadLines($"/proc/{running.Info.ProcessId}/status").First(line => line.StartsWith("CapBnd", StringComparison.Ordinal)).Split('\t')[1], 16);
        Assert.Equal((bounding >> 21 & 1) != 0, Of(jail).Contains("High Capability CAP_SYS_ADMIN"));
    }

    [CageFact]
    public void With_a_user_namespace_root_inside_is_no_longer_told()
    {
        CageRecord record = NewCage(new NewCage { Name = "jail" });
        using (_test.Start(record)) Assert.Contains("Medium Namespace user", Of(record));
        record = _test.Change(record, new CagePrivileges { UserNamespace = IdRange.Auto });
        using (_test.Start(record)) Assert.DoesNotContain("Medium Namespace user", Of(record));
    }

    [CageFact]
    public void A_read_only_one_exposes_nothing()
    {
        Guid id = _test.NewBase(root.Path);
        Assert.Empty(_test.Engine.FindExposure(_test.Engine.Find($"{id}")));
    }
}
