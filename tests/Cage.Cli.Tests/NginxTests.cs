using System.Net;
using System.Net.Sockets;

namespace Cage.Cli.Tests;

/// <summary>
/// The proof [004]: nginx in a cage over the live host, started from its unit's ExecStart line in a session that then ends, serves on; its
/// page, fetched over HTTP from the host, is the file in the cage to the byte; after a stop and a removal nothing is left.
/// </summary>
public sealed class NginxTests : CageTest
{
    private const string Page = "/var/www/html/index.nginx-debian.html";

    private const string HostFiles = "cat /etc/nginx/nginx.conf /etc/nginx/sites-enabled/*; ls -laR /etc/nginx /var/log/nginx /var/lib/nginx /var/www; ls -la /run/nginx.pid || true";

    [ToolTheory("nginx", "tmux")]
    [MemberData(nameof(Isolations))]
    public void ItServesOnWhenTheSessionHasEndedAndLeavesNothing(string isolation)
    {
        string before = Store.Shell(HostFiles).Output;
        string id = Store.Running(isolation);
        int port = FreePort();
        Store.Environment["PORT"] = $"{port}";
        Store.Shell("""
            printf 'server { listen 127.0.0.1:%s; root /var/www/html; index index.nginx-debian.html; }\n' $PORT |
                $CAGE exec web -- sh -c 'rm -f /etc/nginx/sites-enabled/*; cat >/etc/nginx/sites-enabled/default'
            """).Silently();
        using (Tmux terminal = new(Store))
        {
            terminal.Type("$CAGE enter web; echo \"left with \"$?");
            terminal.Type("PS1='cage> '");
            terminal.WaitFor("cage> ");
            // To the letter of the seed.
            terminal.Type("""clear; eval $(sed -ne"s/^ExecStart=\(.*\)$/\1/p" /usr/lib/systemd/system/nginx.service); echo "started "$?""");
            terminal.WaitFor("started 0");
            terminal.Type("exit");
            terminal.WaitFor("left with 0");
            terminal.Close();
        }

        using HttpClient client = new() { BaseAddress = new Uri($"http://127.0.0.1:{port}/"), Timeout = TimeSpan.FromSeconds(10) };
        string root = Store.RootPath("web");
        Assert.Equal(File.ReadAllBytes($"{root}{Page}"), client.GetByteArrayAsync("/").Result);
        // A page that only the cage has, so that nobody else's server can be meant.
        byte[] own = [.. "<p>"u8, 0, 255, .. Guid.NewGuid().ToByteArray()];
        Store.CageWith(own, "exec", "web", "--", "sh", "-c", "cat >/var/www/html/own.html").Silently();
        Assert.Equal(own, client.GetByteArrayAsync("/own.html").Result);
        Assert.Equal(own, File.ReadAllBytes($"{root}/var/www/html/own.html"));
        Assert.False(File.Exists("/var/www/html/own.html"));
        string[] processes = [.. Store.ProcessesOf(id).Where(process => process.Contains("nginx: ", StringComparison.Ordinal))];
        Assert.Contains(processes, process => process.Contains("master process", StringComparison.Ordinal));
        Assert.Contains(processes, process => process.Contains("worker process", StringComparison.Ordinal));
        Assert.Equal("Running", Store.State("web"));

        Cage("stop", "web").Ended(0);
        Store.NothingIsLeftOf(id);
        Assert.DoesNotContain(Store.Directory, File.ReadAllText("/proc/mounts"));
        Assert.Throws<AggregateException>(() => client.GetByteArrayAsync("/").Result);
        Cage("remove", "web", "host").Silently();
        Assert.Empty(Directory.GetFileSystemEntries(Store.Data));
        Assert.Equal(before, Store.Shell(HostFiles).Output);
    }

    /// <summary>A port of the loopback address that nobody has.</summary>
    internal static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
