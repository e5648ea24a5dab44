using System.Net.Sockets;
using System.Text;
using Cage.Engine.Exposure;
using Cage.Engine.Roots;
using Cage.Engine.Store;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>What Test-Cage warns of: each combination is told, and each half of it alone is not.</summary>
public sealed class DangerTests : IDisposable
{
    private const string Id = "011868f2-c75f-49a0-b7ba-54a6f282419f";

    private readonly string _folder = Directory.CreateTempSubdirectory("cage-danger-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string[] Of(string keys)
    {
        CageRecord record = CageRecord.From(ConfFile.Parse("/conf", Encoding.UTF8.GetBytes($"uuid={Id}\nname=web\nroot=root\nwork=work\nmountpoint=mnt\n{keys}\n")), $"{_folder}/data/{Id}.w");
        CageFinding[] found = [.. new DangerFinder(new StoreSettings { Data = $"{_folder}/data" }, record).Find()];
        Assert.All(found, finding => Assert.Equal((FindingKind.Danger, "web", Guid.Parse(Id)), (finding.Kind, finding.Cage, finding.CageId)));
        // What it is, what comes of it, and what to do.
        Assert.All(found, finding => Assert.Matches("^.+: .+; .+\\.$", finding.Message));
        return [.. found.Select(finding => finding.Path)];
    }

    [Theory]
    [InlineData("isolation=jail\ndevice=host", "device=host")]
    [InlineData("isolation=chroot\ndevice=host", "device=host with isolation=chroot")]
    [InlineData("isolation=jail\ncapability=+SYS_ADMIN", "capability=+SYS_ADMIN")]
    [InlineData("isolation=jail\ncapability=+SYS_ADMIN\nseccomp=off", "capability=+SYS_ADMIN with seccomp=off")]
    [InlineData("isolation=jail\ncapability=+MKNOD", "capability=+MKNOD")]
    [InlineData("isolation=jail\ncapability=+DAC_READ_SEARCH", "capability=+DAC_READ_SEARCH")]
    [InlineData("isolation=jail\nseccomp=off\nsetuid=allow", "seccomp=off with setuid=allow")]
    [InlineData("isolation=jail\ncapability=+NET_ADMIN", "capability=+NET_ADMIN with network=host")]
    [InlineData("isolation=jail\ncapability=+NET_RAW", "capability=+NET_RAW with network=host")]
    [InlineData("isolation=jail\nsockets=host", "sockets=host with network=host")]
    [InlineData("isolation=jail\nbind=/:/host", "bind=/:/host")]
    [InlineData("isolation=jail\nbind=/:/host:ro", "bind=/:/host:ro")]
    [InlineData("isolation=jail\nbind=/dev:/dev2", "bind=/dev:/dev2")]
    [InlineData("isolation=jail\nbind=/proc:/proc2:ro", "bind=/proc:/proc2:ro")]
    [InlineData("isolation=jail\nbind=/etc:/etc2", "bind=/etc:/etc2")]
    [InlineData("isolation=jail\nbind=/run/docker.sock:/run/docker.sock:ro", "bind=/run/docker.sock:/run/docker.sock:ro")]
    [InlineData("isolation=jail\nsetuid=allow\nbind=/etc/hosts:/etc/h:ro,suid", "bind=/etc/hosts:/etc/h:ro,suid with setuid=allow")]
    [InlineData("isolation=pivot\nbind=/etc/hosts:/etc/h:ro", "bind=/etc/hosts:/etc/h:ro with isolation=pivot")]
    [InlineData("isolation=jail\nuserns=5000000:65536\nbind=/etc:/etc2:idmap", "bind=/etc:/etc2:idmap")]
    [InlineData("isolation=jail\nuserns=5000000:65536\nbind=/:/host:ro,idmap", "bind=/:/host:ro,idmap")]
    [InlineData("isolation=jail\nuserns=5000000:65536\nbind=/run/docker.sock:/run/docker.sock:ro", "bind=/run/docker.sock:/run/docker.sock:ro")]
    public void Each_is_told(string keys, string setting) => Assert.Equal([setting], Of(keys));

    [Theory]
    [InlineData("isolation=jail")]
    [InlineData("isolation=pivot")]
    [InlineData("isolation=jail\nseccomp=off")]
    [InlineData("isolation=jail\nsetuid=allow")]
    [InlineData("isolation=jail\nnetwork=private\naddress=10.77.0.2\ncapability=+NET_ADMIN\ncapability=+NET_RAW\nsockets=host")]
    [InlineData("isolation=jail\nnetwork=none\ncapability=+NET_RAW")]
    [InlineData("isolation=jail\ndevice=null")]
    [InlineData("isolation=jail\nbind=/etc:/etc2:ro")]
    [InlineData("isolation=jail\nbind=/etc/hosts:/etc/h:ro,suid")]
    [InlineData("isolation=jail\nuserns=5000000:65536\ncapability=+ALL\nbind=/etc:/etc2\ndevice=host")]
    public void What_is_no_danger_is_not(string keys) => Assert.Empty(Of(keys));

    [RootFact]
    public void A_disk_is_told_from_other_devices()
    {
        string[] disks = [.. Directory.GetFiles("/dev").Where(path => Interop.Files.StatusFollowed(path) is { IsBlockDevice: true }).Select(Path.GetFileName).OfType<string>()];
        Assert.NotEmpty(disks);
        Assert.Equal([$"device={disks[0]}"], Of($"isolation=jail\ndevice={disks[0]}\ndevice=full"));
        Assert.Equal([$"device={disks[0]}"], Of($"isolation=jail\ndevice={disks[0][..^1]}?\ndevice=*:hide\ndevice={disks[0]}"));
        Assert.Empty(Of($"isolation=jail\ndevice={disks[0]}\ndevice={disks[0]}:hide\ndevice=no-such-device*"));
    }

    /// <summary>Root in a cage may leave a set-user-ID program in a folder that it writes to: who can get there, on the host, is what matters.</summary>
    [RootFact]
    public void A_writable_folder_is_told_where_all_can_get_at_it()
    {
        string shared = Directory.CreateDirectory($"{_folder}/shared").FullName, keys = $"isolation=jail\nbind={shared}:/shared";
        Shell.Run("chmod 700 \"$folder\"", ("folder", _folder));
        Assert.Empty(Of(keys));
        Shell.Run("chmod 755 \"$folder\"", ("folder", _folder));
        Assert.Equal([$"bind={shared}:/shared"], Of(keys));
        Assert.Empty(Of($"{keys}:ro"));
    }

    [RootFact]
    public void The_store_is_told_and_the_folders_above_it()
    {
        Shell.Run("chmod 700 \"$folder\"", ("folder", _folder));
        foreach (string path in (string[])[$"{_folder}/data", _folder, $"{_folder}/data/{Id}.w"]) Assert.Equal([$"bind={path}:/x:ro"], Of($"isolation=jail\nbind={path}:/x:ro"));
        Assert.Empty(Of($"isolation=jail\nbind={_folder}/database:/x:ro"));
    }

    [RootFact]
    public void A_socket_that_rules_the_host_is_told_by_the_folder_it_lies_in()
    {
        Assert.Empty(HostPlaces.ControlsAt(_folder));
        Assert.Equal(["/run/docker.sock"], HostPlaces.ControlsAt("/run/docker.sock"));
        // Only what is there counts: run is a folder of most hosts, and has none of them perhaps.
        Assert.All(HostPlaces.ControlsAt("/run"), socket => Assert.True(File.Exists(socket)));
    }

    [Fact]
    public void A_read_only_cage_is_never_started() => Assert.Empty(new DangerFinder(new StoreSettings(), new CageRecord { Path = "/x", Id = Guid.Parse(Id), Kind = CageKind.ReadOnly, Name = "layer", Device = DeviceView.Host }).Find());
}
