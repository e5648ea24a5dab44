namespace Cage.Cli.Tests;

/// <summary>Programs that want privileges, in a Jail: they work where its settings say so, and nowhere else. Each scene plays the host in a network namespace of its own.</summary>
public sealed class PrivilegedProgramTests : CageTest
{
    private static readonly string[] _settings = ["", "--setuid allow", "--cap-add NET_RAW", "--cap-add NET_RAW --setuid allow"];

    /// <summary>Makes the cage "web" with each of the settings in turn, runs <paramref name="commands"/> with it, and says "yes" or "no" for each of them.</summary>
    private string[] Tried(string prepare, params string[] commands)
    {
        Store.Environment["live"] = Store.Host();
        string tries = string.Concat(commands.Select(command => $"if {command} >/dev/null 2>&1; then printf 'yes '; else printf 'no '; fi\n"));
        string script = string.Concat(_settings.Select(setting => $"""
            id=$($CAGE new web --base $live {setting}); root=$STORE/data/$id.w/root
            {prepare}
            $CAGE start web
            {tries}echo
            $CAGE remove --force web

            """));
        return Store.Start("unshare", "-n", "bash", "-ec", $"ip link set lo up\n{script}").End().Ended(0).Lines;
    }

    [ToolFact("sudo", "su")]
    public void SudoNeedsSetuidAndSuFromRootNeedsNothing()
    {
        string[] tried = Tried(
            "mkdir -p $root/etc/sudoers.d; echo 'nobody ALL=(ALL) NOPASSWD: ALL' >$root/etc/sudoers.d/test; chmod 440 $root/etc/sudoers.d/test",
            "[ \"$($CAGE exec -u nobody web -- sudo -n id -u)\" = 0 ]", "[ \"$($CAGE exec web -- su -s /bin/sh nobody -c 'id -u')\" = 65534 ]", "[ \"$($CAGE exec web -- sudo -n -u nobody id -u)\" = 65534 ]");
        Assert.Equal(["no yes yes ", "yes yes yes ", "no yes yes ", "yes yes yes "], tried);
        Store.Environment["live"] = Store.Host();
        Outcome refused = Store.Bash("$CAGE new web --base $live >/dev/null; $CAGE start web; $CAGE exec -u nobody web -- sudo -n true; echo $?");
        Assert.Equal("1\n", refused.Output);
        Assert.Contains("no new privileges", refused.Error, StringComparison.Ordinal);
    }

    [ToolFact("ping", "getcap")]
    public void PingNeedsItsCapabilityOrTheHostsLeave()
    {
        string ping = "$CAGE exec web -- ping -c 1 -W 5 127.0.0.1", asNobody = "$CAGE exec -u nobody web -- ping -c 1 -W 5 127.0.0.1";
        // With file capabilities that the cage has not, and that count, the kernel does not execute it.
        Shell.Run("getcap $(command -v ping) | grep -q cap_net_raw");
        Assert.Equal(["no no ", "no no ", "yes no ", "yes yes "], Tried("", ping, asNobody));
        Assert.Equal(["yes yes ", "no no ", "yes yes ", "yes yes "], Tried("echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range", ping, asNobody));
    }

    /// <summary>By HTTP, from a repository beyond the private network; the package's script gives a file to a user of its own.</summary>
    [ToolFact("apt-get", "dpkg-deb", "nft", "ip", "python3", "nsenter")]
    public void AptInstallsWithTheDefaultsAndThroughAPrivateNetwork()
    {
        Store.Environment["live"] = Store.Host();
        string script = NetworkTests.Stage + """
            repo=$STORE/files/repo; p=$STORE/files/package; mkdir -p $repo $p/DEBIAN $p/usr/share/cage-test
            echo 'from the package' >$p/usr/share/cage-test/file
            printf 'Package: cage-test\nVersion: 1.0\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: a test\n' >$p/DEBIAN/control
            printf '#!/bin/sh\nset -e\nchown nobody /usr/share/cage-test/file\n' >$p/DEBIAN/postinst; chmod 755 $p/DEBIAN/postinst
            dpkg-deb --root-owner-group --build $p $repo/cage-test.deb >/dev/null
            { cat $p/DEBIAN/control; printf 'Filename: ./cage-test.deb\nSize: %s\nSHA256: %s\n' $(stat -c %s $repo/cage-test.deb) $(sha256sum $repo/cage-test.deb | cut -d' ' -f1); } >$repo/Packages
            (cd $repo; exec $alone nsenter -t $world -n python3 -m http.server --bind 192.0.2.2 8000 >/dev/null 2>&1) &
            for i in $(seq 300); do inworld curl -s -o /dev/null --noproxy '*' http://192.0.2.2:8000/Packages && break; sleep 0.1; done
            install() {
                id=$($CAGE new web --base $live --network private $1); root=$STORE/data/$id.w/root
                # Nothing of this machine's own sources, proxies and lists.
                mkdir -p $root/etc/apt $root/var/lib/apt/lists; echo 'deb [trusted=yes] http://192.0.2.2:8000/ ./' >$root/etc/apt/cage.list
                $CAGE start web
                options='-q -o Dir::Etc::SourceList=/etc/apt/cage.list -o Dir::Etc::SourceParts=/dev/null -o Acquire::http::Proxy=DIRECT -o Acquire::Languages=none'
                $CAGE exec web -- sh -c "apt-get $options update && apt-get $options install -y cage-test" >$STORE/files/apt 2>&1 </dev/null || :
                $CAGE exec web -- sh -c 'cat /usr/share/cage-test/file && stat -c %U /usr/share/cage-test/file' 2>/dev/null || echo 'not installed'
                $CAGE remove --force web
            }
            install ''
            install '--cap-drop SETUID --cap-drop SETGID --cap-drop CHOWN'
            [ ! -e /usr/share/cage-test ]
            """;
        Outcome outcome = Store.Start("unshare", "-n", "-m", "--propagation", "private", "bash", "-ec", script).End();
        string said = $"{outcome.Error}{File.ReadAllText($"{Store.Files}/apt")}";
        Assert.True(outcome.Status == 0 && outcome.Lines is ["from the package", "nobody", "not installed"], $"{outcome.Output}{said}");
    }
}
