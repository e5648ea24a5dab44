using System.Text;
using Cage.Engine.Network;
using Cage.Engine.Store;

namespace Cage.Engine.Tests;

/// <summary>What can be said of a cage's network, and which address it gets. What becomes of it is tested by the command, in network namespaces of its own.</summary>
public sealed class NetworkSettingTests
{
    private const string Id = "011868f2-c75f-49a0-b7ba-54a6f282419f";

    private static CageRecord Read(string keys, string isolation = "jail") => CageRecord.From(
        ConfFile.Parse("/conf", Encoding.UTF8.GetBytes($"uuid={Id}\nname=web\nroot=root\nwork=work\nmountpoint=mnt\nisolation={isolation}\n{keys}")), $"/store/{Id}.w");

    [Theory]
    [InlineData("8080:80", "8080:80")]
    [InlineData("80", "80:80")]
    [InlineData("127.0.0.1:8080:80/tcp", "127.0.0.1:8080:80")]
    [InlineData("53:5353/udp", "53:5353/udp")]
    public void A_port_is_read_and_written(string text, string written) => Assert.Equal(written, PublishedPort.Parse(text).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("0:80")]
    [InlineData("80:65536")]
    [InlineData("80:80/icmp")]
    [InlineData("80:80/udp/tcp")]
    [InlineData("::1:80:80")]
    [InlineData("1:80:80")]
    [InlineData("999.0.0.1:80:80")]
    [InlineData("80; drop:80")]
    public void What_is_no_port_is_refused(string text) => Assert.Throws<FormatException>(() => PublishedPort.Parse(text));

    [Theory]
    [InlineData("192.168.0.0/16")]
    [InlineData("192.0.2.1")]
    [InlineData(Id)]
    public void Who_may_reach_it_is_a_cage_or_a_network(string text) => Assert.Equal(text, CageNetwork.ParseAllowed(text));

    [Theory]
    [InlineData("anybody")]
    [InlineData("192.168.0.1/16")]
    [InlineData("1/8")]
    [InlineData("fe80::/64")]
    [InlineData("10.0.0.0/8 } accept")]
    public void Anybody_else_is_refused(string text) => Assert.Throws<FormatException>(() => CageNetwork.ParseAllowed(text));

    [Fact]
    public void IPv6_is_refused_by_its_name()
    {
        Assert.Contains("IPv6", Assert.Throws<FormatException>(() => PublishedPort.Parse("[::1]:80:80")).Message);
        Assert.Contains("IPv6", Assert.Throws<FormatException>(() => CageNetwork.ParseAllowed("fd00::/8")).Message);
        Assert.Contains("IPv6", new CageNetwork { Mode = NetworkMode.Private, Address = "fd00::2" }.Problem(CageIsolation.Jail));
    }

    [Fact]
    public void All_that_a_conf_says_comes_back()
    {
        string keys = $"network=private\naddress=10.77.0.9\npublish=8080:80\npublish=53:53/udp\nallowfrom={Id}\nallowfrom=10.0.0.0/8\n";
        CageRecord record = Read(keys);
        Assert.Equal((NetworkMode.Private, "10.77.0.9"), (record.Network.Mode, record.Network.Address));
        Assert.Equal(["8080:80", "53:53/udp"], record.Network.Ports.Select(port => port.ToString()));
        ConfFile file = ConfFile.Parse("/conf", []);
        record.WriteTo(file);
        Assert.EndsWith(keys, Encoding.UTF8.GetString(file.ToBytes()));
        (record with { Network = CageNetwork.Host }).WriteTo(file);
        Assert.EndsWith("isolation=jail\nnetwork=host\n", Encoding.UTF8.GetString(file.ToBytes()));
        Assert.Same(CageNetwork.Host, Read("").Network);
    }

    [Theory]
    [InlineData("network=other\n", "jail")]
    [InlineData("network=none\n", "pivot")]
    [InlineData("network=private\n", "chroot")]
    [InlineData("network=none\naddress=10.0.0.1\n", "jail")]
    [InlineData("publish=80:80\n", "jail")]
    [InlineData("network=private\naddress=127.0.0.1\n", "jail")]
    [InlineData("network=private\naddress=10.1\n", "jail")]
    [InlineData("network=private\npublish=x\n", "jail")]
    public void A_network_that_cannot_be_names_its_line(string keys, string isolation) =>
        Assert.Equal(CageError.CageConfInvalid, Assert.Throws<CageException>(() => Read(keys, isolation)).Error);

    [Fact]
    public void Each_gets_the_first_address_that_is_free()
    {
        AddressPool pool = new(new StoreSettings { Pool = "192.0.2.0/29" });
        CageNetwork wanted = new() { Mode = NetworkMode.Private };
        Assert.Equal("192.0.2.1", pool.Gateway);
        List<CageRecord> others = [];
        foreach (int last in (int[])[2, 3, 4, 5, 6])
        {
            CageNetwork given = pool.Assign(wanted, Guid.NewGuid(), others);
            Assert.Equal($"192.0.2.{last}", given.Address);
            others.Add(Read("") with { Id = Guid.NewGuid(), Network = given });
        }
        Assert.Equal(CageError.CageArgumentInvalid, Assert.Throws<CageException>(() => pool.Assign(wanted, Guid.NewGuid(), others)).Error);
        Assert.Throws<CageException>(() => pool.Assign(wanted with { Address = "192.0.2.4" }, Guid.NewGuid(), others));
        Assert.Throws<CageException>(() => pool.Assign(wanted with { Address = "192.0.2.1" }, Guid.NewGuid(), others));
        Assert.Equal("192.0.2.4", pool.Assign(wanted with { Address = "192.0.2.4" }, others[2].Id, others).Address);
        Assert.Equal("198.51.100.7", pool.Assign(wanted with { Address = "198.51.100.7" }, Guid.NewGuid(), others).Address);
        others.RemoveAt(1);
        Assert.Equal("192.0.2.3", pool.Assign(wanted, Guid.NewGuid(), others).Address);
        Assert.Null(pool.Assign(CageNetwork.Host, Guid.NewGuid(), others).Address);
    }
}
