namespace Cage.Cli.Tests;

/// <summary>Networks of cages, each test in a network namespace of its own that plays the host, with another that plays the world: nothing of
/// the machine's own interfaces and rules is touched.</summary>
public sealed class NetworkTests : CageTest
{
    /// <summary>The host is 192.0.2.1, the world 192.0.2.2; $live is a base. Ends what it started.</summary>
    internal const string Stage = """
        # What is started so ends with this shell, even when that is killed.
        alone='setpriv --pdeathsig KILL'
        trap 'kill $(jobs -p) 2>/dev/null || :' EXIT
        ip link set lo up
        echo 1 >/proc/sys/net/ipv4/ip_forward
        $alone unshare -n sleep 100 >/dev/null & world=$!
        while [ "$(readlink /proc/$world/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
        inworld() { nsenter -t $world -n "$@"; }
        ip link add up0 type veth peer name up0 netns $world
        ip address add 192.0.2.1/24 dev up0; ip link set up0 up
        inworld sh -c 'ip address add 192.0.2.2/24 dev up0; ip link set up0 up; ip link set lo up; ip route add 10.77.0.0/16 via 192.0.2.1'
        fetch() { curl --noproxy '*' -s --max-time 2 "$@" || echo nothing; }
        # says ADDRESS PORT: tells whoever comes his address
        says() { exec >/dev/null; exec $alone python3 -c 'import socket,sys
        s=socket.create_server((sys.argv[1],int(sys.argv[2])))
        while True:
            c,a=s.accept(); c.sendall((a[0]+"\n").encode()); c.close()' "$@"; }
        serve() { $CAGE exec $1 -- sh -c 'mkdir -p /srv/w; cat >/srv/w/index.html; printf "pid /tmp/pid; error_log /tmp/log; events {} http { access_log off; server { listen 80; root /srv/w; } }" >/tmp/conf; nginx -c /tmp/conf'; }

        """;

    private readonly string _base;

    public NetworkTests()
    {
        _base = Store.Host();
        Store.Environment["live"] = _base;
    }

    private Outcome Scene(string script) => Store.Start("unshare", "-n", "-m", "--propagation", "private", "bash", "-ec", Stage + script).End();

    [ToolFact("nft", "ip", "nginx", "curl", "python3", "nsenter")]
    public void AnIsolatedPageServerIsReachedThroughItsPublishedPortAndNoOtherWay()
    {
        Outcome outcome = Scene("""
            $CAGE new web --base $live --network private --publish 8080:80 >/dev/null
            $CAGE start web
            echo page | serve web
            says 192.0.2.1 77 & says 0.0.0.0 78 &
            $alone nsenter -t $world -n python3 -c 'import socket
            s=socket.create_server(("192.0.2.2",99))
            while True:
                c,a=s.accept(); c.sendall((a[0]+"\n").encode()); c.close()' >/dev/null &
            sleep 0.5
            echo "host, loopback: $(fetch http://127.0.0.1:8080/)"
            echo "host, its address: $(fetch http://192.0.2.1:8080/)"
            echo "host, direct: $(fetch http://10.77.0.2/)"
            echo "world, published: $(inworld curl --noproxy '*' -s --max-time 2 http://192.0.2.1:8080/)"
            echo "world, direct: $(inworld curl --noproxy '*' -s --max-time 1 http://10.77.0.2/ || echo nothing)"
            echo "cage to itself: $($CAGE exec web -- curl --noproxy '*' -s --max-time 2 http://192.0.2.1:8080/)"
            echo "cage to the world: $($CAGE exec web -- timeout 2 bash -c 'cat </dev/tcp/192.0.2.2/99')"
            for to in 192.0.2.1/77 10.77.0.1/78 127.0.0.1/78; do
                echo "cage to the host: $($CAGE exec web -- timeout 1 bash -c "cat </dev/tcp/$to" 2>/dev/null || echo nothing)"
            done
            $CAGE stop web
            echo "left: $(ip -o link | grep -c cage) $(nft list tables | grep -c cage_ || :) $(ip route | grep -c 10.77 || :)"
            echo "stopped: $(fetch http://127.0.0.1:8080/)"
            """);
        Assert.Equal(
            [
                "host, loopback: page", "host, its address: page", "host, direct: page", "world, published: page", "world, direct: nothing", "cage to itself: page",
                "cage to the world: 192.0.2.1", "cage to the host: nothing", "cage to the host: nothing", "cage to the host: nothing", "left: 0 0 0", "stopped: nothing",
            ],
            outcome.Ended(0).Lines);
    }

    [ToolFact("nft", "ip", "nginx", "curl", "python3", "nsenter")]
    public void TwoReachEachOtherOnlyIfToldTo()
    {
        Outcome outcome = Scene("""
            $CAGE new one --base $live --network private >/dev/null
            $CAGE new two --base $live --network private >/dev/null
            ask() { echo "$1 to $2: $($CAGE exec $1 -- curl --noproxy '*' -s --max-time 1 http://$3/ || echo nothing)"; }
            up() { $CAGE start one two; for i in one two; do echo "page of $i" | serve $i; done; }
            up; ask one two 10.77.0.3; ask two one 10.77.0.2; $CAGE stop one two
            $CAGE set two --allow-from one
            up; ask one two 10.77.0.3; ask two one 10.77.0.2; $CAGE stop one two
            $CAGE set two --allow-from none; $CAGE set one --allow-from 10.77.0.0/16
            up; ask one two 10.77.0.3; ask two one 10.77.0.2; $CAGE stop one two
            """);
        Assert.Equal(
            ["one to two: nothing", "two to one: nothing", "one to two: page of two", "two to one: nothing", "one to two: nothing", "two to one: page of one"],
            outcome.Ended(0).Lines);
    }

    /// <summary>As with systemd-resolved or dnsmasq: the host's name server listens on its loopback, where no cage gets.</summary>
    [ToolFact("nft", "ip", "python3", "nsenter")]
    public void NamesAreFoundThroughANameServerOnTheHostsLoopback()
    {
        Outcome outcome = Scene("""
            printf 'nameserver 127.0.0.53\nsearch example\n' >$STORE/files/resolv.conf
            mount --bind $STORE/files/resolv.conf /etc/resolv.conf
            $alone python3 -c 'import socket
            s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(("127.0.0.53",53))
            while True:
                q,a=s.recvfrom(512); n=q.index(0,12)+5; four=q[n-4:n-2]==b"\0\1"
                s.sendto(q[:2]+b"\x81\x80\0\1"+(b"\0\1" if four else b"\0\0")+b"\0\0\0\0"+q[12:n]+(b"\xc0\x0c\0\1\0\1\0\0\0\5\0\4\xc0\0\2\7" if four else b""),a)' >/dev/null &
            $CAGE new web --base $live --network private >/dev/null
            $CAGE start web
            $CAGE exec web -- cat /etc/resolv.conf
            $CAGE exec web -- getent ahostsv4 name.test | head -1
            $CAGE exec web -- timeout 1 bash -c 'echo x >/dev/tcp/127.0.0.53/53' 2>/dev/null || echo "no other way to the loopback"
            $CAGE stop web
            """);
        Assert.Equal(["nameserver 10.77.0.1", "search example", "192.0.2.7       STREAM name.test", "no other way to the loopback"], outcome.Ended(0).Lines);
    }

    [ToolFact("ip", "python3", "nsenter")]
    public void NoneHasTheLoopbackAndNothingElse()
    {
        Outcome outcome = Scene("""
            says 127.0.0.1 77 & sleep 0.3
            $CAGE new web --base $live --network none >/dev/null
            $CAGE start web
            $CAGE exec web -- ip -o link | cut -d' ' -f2,3
            $CAGE exec web -- bash -c 'echo </dev/tcp/127.0.0.1/77' 2>/dev/null || echo nothing
            $CAGE exec web -- sh -c 'ls /sys/class/net'
            $CAGE stop web
            $CAGE run --base $live --network none -- ip -o link | cut -d' ' -f2,3
            $CAGE run --base $live -- bash -c 'cat </dev/tcp/127.0.0.1/77'
            """);
        Assert.Equal(["lo: <LOOPBACK,UP,LOWER_UP>", "nothing", "lo", "lo: <LOOPBACK,UP,LOWER_UP>", "127.0.0.1"], outcome.Ended(0).Lines);
    }

    /// <summary>Two cages that are not kept, at once, and one that is: each has an address of its own and a port, and none leaves anything.</summary>
    [ToolFact("nft", "ip", "curl", "python3", "nsenter")]
    public void OneThatIsNotKeptHasAPrivateNetworkForAsLongAsItRuns()
    {
        Outcome outcome = Scene("""
            fails() { "$@" >/dev/null 2>$STORE/files/said && echo "worked: $*" || sed 's/^cage[^:]*: //' $STORE/files/said | head -1; }
            $CAGE new web --base $live --network private >/dev/null
            page='import socket
            s=socket.create_server(("",80))
            while True:
                c,a=s.accept(); c.recv(999); c.sendall(b"HTTP/1.0 200 OK\r\n\r\nof a run\n"); c.close()'
            $CAGE run --base $live --network private --publish 8080:80 -- python3 -c "$page" & first=$!
            $CAGE run --base $live --network private -- python3 -c "$page" & second=$!
            for i in $(seq 500); do [ $(nft list tables | grep -c cage_ || :) = 2 ] && [ "$(fetch http://127.0.0.1:8080/)" = "of a run" ] && break; sleep 0.05; done
            echo "published: $(fetch http://127.0.0.1:8080/)"
            echo "addresses: $(ip -o route | grep -o '^10.77[^ ]*' | sort | tr '\n' ' ')"
            fails $CAGE run --base $live --network private --publish 8080:80 -- true
            fails $CAGE new two --base $live --network private --address 10.77.0.3
            kill $first; wait $first || :
            kill -9 $second; wait $second || :
            for i in $(seq 500); do ip -o link | grep -q cage || break; sleep 0.05; done
            $CAGE run --base $live --network private -- sh -c 'ip -o -4 address show dev eth0 | grep -o 10.77[^/]*; cat /etc/resolv.conf >/dev/null && echo resolv.conf'
            echo "left: $(ip -o link | grep -c cage || :) $(nft list tables | grep -c cage_ || :) $(ip route | grep -c 10.77 || :)"
            """);
        string[] lines = outcome.Ended(0).Lines;
        Assert.Equal(["published: of a run", "addresses: 10.77.0.3 10.77.0.4 "], lines[..2]);
        Assert.Contains("a cage that is not kept", lines[2], StringComparison.Ordinal);
        Assert.Contains("10.77.0.3 is the address of what is behind cage", lines[3], StringComparison.Ordinal);
        Assert.Equal(["10.77.0.3", "resolv.conf", "left: 0 0 0"], lines[4..]);
    }

    /// <summary>With a user namespace too. A port comes along, since only whoever publishes it can choose another.</summary>
    [ToolTheory("nft", "ip", "nsenter")]
    [InlineData("")]
    [InlineData("--userns")]
    public void ACopyHasAnAddressOfItsOwnAndRunsBesideIt(string option)
    {
        Outcome outcome = Scene($$"""
            $CAGE new web --base $live --network private --publish 8080:80 {{option}} >/dev/null
            $CAGE copy web beside >/dev/null; $CAGE copy beside third >/dev/null
            $CAGE start web
            $CAGE start beside 2>&1 | grep -o 'is published by "web"' || :
            $CAGE set beside --publish none; $CAGE set third --publish none
            $CAGE start beside third
            for i in web beside third; do $CAGE exec $i -- ip -o -4 address show dev eth0 | grep -o '10.77[^/]*'; done
            $CAGE stop beside third web
            echo "left: $(ip -o link | grep -c cage || :) $(nft list tables | grep -c cage_ || :)"
            """);
        Assert.Equal(["is published by \"web\"", "10.77.0.2", "10.77.0.3", "10.77.0.4", "left: 0 0"], outcome.Ended(0).Lines);
    }

    [ToolFact("nft", "ip", "nsenter")]
    public void WhatAKilledOneLeavesIsGoneWithTheNextStartOrStop()
    {
        Outcome outcome = Scene("""
            $CAGE new web --base $live --network private --publish 8080:80 >/dev/null
            $CAGE new two --base $live --network private >/dev/null
            left() { echo "left: $(ip -o link | grep -c cage || :) $(nft list tables | grep -c cage_ || :)"; }
            die() { kill -9 $($CAGE show web --json | jq '.[0].processId'); for i in $(seq 500); do ip -o link | grep -q cage || break; sleep 0.01; done; }
            $CAGE start web; left; die; left
            $CAGE stop web; left
            $CAGE start web; die; left
            $CAGE start two; left; $CAGE stop two; left
            $CAGE start web; die; $CAGE start web; left; $CAGE stop web; left
            $CAGE start web; die; $CAGE set web --network host; left
            """);
        Assert.Equal(["left: 1 1", "left: 0 1", "left: 0 0", "left: 0 1", "left: 1 1", "left: 0 0", "left: 1 1", "left: 0 0", "left: 0 0"], outcome.Ended(0).Lines);
    }

    [ToolFact("nft", "ip", "python3", "nsenter")]
    public void WhatCannotBeIsToldAndLeavesNothing()
    {
        Outcome outcome = Scene("""
            fails() { "$@" >/dev/null 2>$STORE/files/said && echo "worked: $*" || sed 's/^cage[^:]*: //' $STORE/files/said | head -1; }
            $CAGE new web --base $live --network private --publish 8080:80 >/dev/null
            $CAGE new two --base $live --network private --publish 192.0.2.1:8080:80 >/dev/null
            echo 0 >/proc/sys/net/ipv4/ip_forward; fails $CAGE start web; echo 1 >/proc/sys/net/ipv4/ip_forward
            says 0.0.0.0 8080 & server=$!; sleep 0.3; fails $CAGE start web; kill $server; wait $server || :
            $CAGE start web; fails $CAGE start two; fails $CAGE set web --publish none; $CAGE stop web
            fails $CAGE set two --address 10.77.0.2
            fails $CAGE set two --address 10.77.0.1
            fails $CAGE new pivot --base $live --isolation pivot --network private
            fails $CAGE new three --base $live --publish 80:80
            fails $CAGE new three --base $live --network private --address fd00::2
            fails $CAGE new three --base $live --network private --publish '[::1]:80:80'
            fails $CAGE set two --allow-from fd00::/64
            mount --bind /dev/null $(readlink -f $(command -v nft)); fails $CAGE start web
            ip -o link | grep -c cage || :
            """);
        string[] lines = outcome.Ended(0).Lines;
        string[] words = ["net.ipv4.ip_forward", "listens on port 8080/tcp (EADDRINUSE)", "is published by \"web\" (EADDRINUSE)", "can only change while it is stopped", "is the address of \"web\"", "host's own end", "only a Jail", "private network only", "IPv6", "IPv6", "IPv6", "needs nft", "0"];
        Assert.Equal(words.Length, lines.Length);
        for (int i = 0; i < words.Length; i++) Assert.Contains(words[i], lines[i], StringComparison.Ordinal);
    }
}
