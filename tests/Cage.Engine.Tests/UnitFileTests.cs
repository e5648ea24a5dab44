using Cage.Engine.Services;

namespace Cage.Engine.Tests;

/// <summary>Units are understood as systemd does where they are supported, and refused by name where they are not.</summary>
public class UnitFileTests
{
    /// <summary>As Debian's nginx has it.</summary>
    private const string Nginx = """
        [Unit]
        Description=A high performance web server and a reverse proxy server
        After=network-online.target

        [Service]
        Type=forking
        PIDFile=/run/nginx.pid
        ExecStartPre=/usr/sbin/nginx -t -q -g 'daemon on; master_process on;'
        ExecStart=/usr/sbin/nginx -g 'daemon on; master_process on;'
        ExecReload=/usr/sbin/nginx -g 'daemon on; master_process on;' -s reload
        ExecStop=-/sbin/start-stop-daemon --quiet --stop --retry QUIT/5 --pidfile /run/nginx.pid
        TimeoutStopSec=5
        KillMode=mixed

        [Install]
        WantedBy=multi-user.target
        """;

    private static ServiceSpec Parse(string service, params string[] ignored) => UnitFile.Parse("x", $"[Service]\n{service}", "/x.service", ignored);

    private static string Refusal(string service)
    {
        CageException e = Assert.Throws<CageException>(() => Parse(service));
        Assert.Equal(CageError.CageArgumentInvalid, e.Error);
        Assert.StartsWith("/x.service", e.Message);
        return e.Message;
    }

    [Fact]
    public void That_of_nginx_is_understood_as_it_is()
    {
        List<string> aside = [];
        ServiceSpec service = UnitFile.Parse("nginx", Nginx, "/nginx.service", null, aside.Add);
        Assert.Equal(ServiceKind.Forking, service.Kind);
        Assert.Equal("/run/nginx.pid", service.PidFile);
        Assert.Equal(["/usr/sbin/nginx", "-t", "-q", "-g", "daemon on; master_process on;"], service.Before.Single().Words);
        Assert.Equal(["/usr/sbin/nginx", "-g", "daemon on; master_process on;"], service.Commands.Single().Words);
        Assert.Equal(["ExecReload", "ExecStop", "TimeoutStopSec", "KillMode"], aside.Select(text => text.Split(' ')[1].TrimEnd('=')));
    }

    [Theory]
    [InlineData("/a b  c", "/a|b|c")]
    [InlineData("/a \"b c\" 'd \"e\"'", "/a|b c|d \"e\"")]
    [InlineData(@"/a b\ c \x", null)]
    [InlineData(@"/a b\sc \t \\ \""", "/a|b c|\t|\\|\"")]
    [InlineData("/a 100%% $$HOME", "/a|100%|$HOME")]
    [InlineData("/a ${ONE} x${TWO}y ${NONE}", "/a|1|xp qy|")]
    [InlineData("/a $ONE $TWO $NONE z", "/a|1|p|q|z")]
    [InlineData("/a --b=\"c d\"", "/a|--b=c d")]
    [InlineData("/a ''", "/a|")]
    [InlineData("/a \\\n  # not this\n  b", "/a|b")]
    [InlineData("/a %i", null)]
    [InlineData("/a 'b", null)]
    [InlineData("a b", null)]
    [InlineData("@/a b", null)]
    [InlineData("+/a", null)]
    [InlineData("/a ; /b", null)]
    public void A_line_becomes_words(string line, string? words)
    {
        string unit = $"Environment=ONE=1 \"TWO=p q\"\nExecStart={line}";
        if (words is null) Assert.Contains("ExecStart=", Refusal(unit));
        else Assert.Equal(words.Split('|'), Parse(unit).Commands.Single().Words);
    }

    [Fact]
    public void What_is_not_supported_is_refused_with_its_line_unless_it_is_to_be_left_out()
    {
        Assert.Contains(":3: ProtectSystem= is not supported", Refusal("ExecStart=/a\nProtectSystem=strict"));
        Assert.Contains("Type= is notify", Refusal("Type=notify\nExecStart=/a"));
        Assert.Contains("Restart= is on-abort", Refusal("Restart=on-abort\nExecStart=/a"));
        Assert.Equal(["/a"], Parse("ExecStart=/a\nProtectSystem=strict", "protectsystem").Commands.Single().Words);
    }

    [Fact]
    public void An_empty_value_takes_back_what_was_said()
    {
        Assert.Equal(["/b"], Parse("ExecStart=/a\nExecStart=\nExecStart=/b").Commands.Single().Words);
        Assert.Empty(Parse("ExecStart=/a\nEnvironment=A=1\nEnvironment=").Environment);
    }

    [Fact]
    public void Commands_kinds_and_places_are_checked()
    {
        Assert.Contains("no ExecStart", Refusal("Type=simple"));
        Assert.Contains("oneshot only", Refusal("ExecStart=/a\nExecStart=/b"));
        Assert.Equal(2, Parse("Type=oneshot\nExecStart=/a\nExecStart=-/b").Commands.Count);
        Assert.Contains("PIDFile", Refusal("Type=forking\nExecStart=/a"));
        Assert.Contains("no '='", Refusal("ExecStart"));
        Assert.Equal("/run/x.pid", Parse("Type=forking\nPIDFile=x.pid\nExecStart=/a").PidFile);
    }

    [Theory]
    [InlineData("User=alice", "alice")]
    [InlineData("User=alice\nGroup=staff", "alice:staff")]
    [InlineData("Group=staff", "root:staff")]
    [InlineData("", null)]
    public void User_and_group_are_one_word(string lines, string? user) => Assert.Equal(user, Parse($"{lines}\nExecStart=/a").User);

    [Theory]
    [InlineData("", "/")]
    [InlineData("WorkingDirectory=/srv", "/srv")]
    [InlineData("WorkingDirectory=-/srv", "/srv")]
    [InlineData("WorkingDirectory=~", null)]
    public void The_working_directory_is_systemds(string line, string? directory) => Assert.Equal(directory, Parse($"{line}\nExecStart=/a").Directory);

    [Theory]
    [InlineData("nginx", true)]
    [InlineData("getty@tty1", true)]
    [InlineData("a.b-c_d", true)]
    [InlineData("", false)]
    [InlineData("../x", false)]
    [InlineData(".x", false)]
    [InlineData("-x", false)]
    [InlineData("a b", false)]
    public void A_service_has_a_name_that_a_file_can_have(string name, bool isFine) => Assert.Equal(isFine, ServiceSpec.NameProblem(name) is null);

    /// <summary>What is registered with systemd is understood by the same rules.</summary>
    [Fact]
    public void The_unit_of_a_cage_survives_odd_names_and_paths()
    {
        Store.CageRecord cage = new() { Path = "/a b/x.w", Id = Guid.NewGuid(), Kind = Store.CageKind.Writable, Name = "100% \"web\"" };
        string text = BootUnit.Text(cage, "/opt/my \"cage\"/100%", "/etc/my cage.conf");
        Assert.Contains("Description=Cage 100%% \"web\"\n", text);
        ServiceSpec service = UnitFile.Parse("x", text, "/x.service");
        Assert.Equal(["/opt/my \"cage\"/100%", "start", $"{cage.Id:D}"], service.Commands.Single().Words);
        Assert.Equal(["CAGE_CONF=/etc/my cage.conf"], service.Environment);
        Assert.Equal(ServiceKind.OneShot, service.Kind);
    }
}
