using System.Globalization;

namespace Cage.Cli.Tests;

/// <summary>Programs as Debian has them, each in a Jail with what cage put there for it and nothing else. [001] [003]</summary>
public sealed class ProgramTests : CageTest
{
    private string _id = "";

    private string Root => $"{Store.Data}/{_id}.w/root";

    private void Jail(params string[] arguments)
    {
        _id = Store.New(["web", .. arguments]);
        Cage("start", "web").Silently();
    }

    private string Run(params string[] command) => Cage(["exec", "web", "--", .. command]).Ended(0).Output.TrimEnd('\n');

    [ToolFact("sshd", "ssh", "ssh-keygen")]
    public void SshdLetsIn()
    {
        // No key of the host's may come along.
        Jail("--command", "sshd", "--command", "sh", "--command", "mkdir", "--command", "cat");
        Assert.Empty(Directory.GetFiles($"{Root}/etc/ssh", "ssh_host_*"));
        int port = NginxTests.FreePort();
        Store.Environment["PORT"] = port.ToString(CultureInfo.InvariantCulture);
        Store.Shell(
            """
            ssh-keygen -q -t ed25519 -N '' -f "$STORE/files/key"
            $CAGE exec web -- sh -c 'umask 077; mkdir /root/.ssh; cat >/root/.ssh/authorized_keys' <"$STORE/files/key.pub"
            $CAGE exec web -- sh -c "ssh-keygen -A >/dev/null; mkdir /run/sshd; exec /usr/sbin/sshd -p $PORT -o ListenAddress=127.0.0.1"
            """).Ended(0);
        string Login(string command) => Store.Shell(
            "ssh -F none -i \"$STORE/files/key\" -p $PORT -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR root@127.0.0.1 " + command).Ended(0).Output;
        Assert.Equal("root\n", Login("'read -r line </etc/passwd; echo ${line%%:*}'"));
        Assert.Equal(Run("cat", "/proc/sys/kernel/hostname") + "\n", Login("cat /proc/sys/kernel/hostname"));
    }

    [ToolFact("busybox")]
    public void BusyboxIsAWholeSystem()
    {
        Jail("--command", "busybox", "--no-packs");
        Assert.Equal("1 2 3", Run("busybox", "sh", "-c", "for i in $(busybox seq 3); do echo $i; done | busybox tr '\\n' ' ' | busybox sed 's/ $//'"));
        Assert.Equal("root", Run("busybox", "sh", "-c", "busybox mkdir /etc; echo root:x:0:0::/: >/etc/passwd; busybox id -un"));
    }

    [ToolTheory("gcc")]
    [InlineData("-static")]
    [InlineData("-static-pie")]
    public void AStaticProgramRunsInARootOfOneFile(string option)
    {
        // Not below /tmp, which is another one in a running cage.
        string folder = Directory.CreateDirectory($"/var/tmp/{Path.GetFileName(Store.Top)}").FullName;
        try
        {
            (Store.Environment["OPTION"], Store.Environment["OUT"]) = (option, $"{folder}/alone");
            Store.Shell("""echo 'int puts(const char *); int main(void) { puts("alone"); return 7; }' | gcc $OPTION -o "$OUT" -x c -""").Ended(0);
            Jail("--command", $"{folder}/alone", "--no-packs");
            Assert.Equal("alone\n", Cage("exec", "web", "--", $"{folder}/alone").Ended(7).Output);
            Assert.Equal([$"{Root}{folder}/alone"], Directory.GetFiles(Root, "*", SearchOption.AllDirectories));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [ToolFact("musl-gcc")]
    public void AProgramForMuslHasItsOwnLoader()
    {
        string folder = Directory.CreateDirectory($"/var/tmp/{Path.GetFileName(Store.Top)}").FullName;
        try
        {
            Store.Environment["OUT"] = $"{folder}/hello";
            Store.Shell("""echo 'int puts(const char *); int main(void) { puts("musl"); return 0; }' | musl-gcc -o "$OUT" -x c -""").Ended(0);
            Jail("--command", $"{folder}/hello", "--no-packs");
            Assert.Equal("musl", Run($"{folder}/hello"));
            Assert.DoesNotContain(Directory.GetFiles(Root, "*", SearchOption.AllDirectories), path => path.EndsWith("/libc.so.6", StringComparison.Ordinal));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [ToolFact("openssl")]
    public void AClientVerifiesAServer()
    {
        Jail("--command", "openssl");
        int port = NginxTests.FreePort();
        Store.Environment["PORT"] = port.ToString(CultureInfo.InvariantCulture);
        Store.Shell(
            """
            cd "$STORE/files"
            openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=cage.test -addext subjectAltName=DNS:cage.test 2>/dev/null
            """).Ended(0);
        using Child server = Store.StartShell("cd \"$STORE/files\"; exec openssl s_server -accept 127.0.0.1:$PORT -cert cert.pem -key key.pem -quiet");
        Wait.Until(() => Store.Shell("openssl s_client -connect 127.0.0.1:$PORT </dev/null >/dev/null 2>&1 && echo up || true").Output == "up\n", () => "s_server does not answer");
        string[] client = ["openssl", "s_client", "-connect", $"127.0.0.1:{port}", "-verify_return_error", "-verify_hostname", "cage.test", "-brief"];
        // Nobody in there has heard of its authority, until it is told.
        Assert.Contains("self-signed certificate", Cage(["exec", "web", "--", .. client]).Ended(1).Error, StringComparison.Ordinal);
        Store.CageWith(File.ReadAllBytes($"{Store.Files}/cert.pem"), "exec", "web", "--", "openssl", "x509", "-out", "/cert.pem").Ended(0);
        Assert.Contains("Verification: OK", Cage(["exec", "web", "--", .. client, "-CAfile", "/cert.pem"]).Ended(0).Error, StringComparison.Ordinal);
    }

    [ToolFact("cvs")]
    public void CvsKeepsAFile()
    {
        Jail("--command", "cvs", "--command", "sh", "--command", "mkdir", "--command", "cat");
        Run("sh", "-c", "cd /tmp; cvs -d /tmp/store init; mkdir w; cd w; echo one >file; cvs -Q -d /tmp/store import -m first module vendor release; cd ..; cvs -Q -d /tmp/store checkout -d out module");
        Assert.Equal("one", Run("cat", "/tmp/out/file"));
    }

    [ToolFact("git")]
    public void GitKeepsAFile()
    {
        Jail("--command", "git", "--command", "sh");
        Run("sh", "-c", "cd /root; git init -q r; cd r; echo one >file; git add file; git -c user.name=n -c user.email=e@example.org commit -qm first; git clone -q /root/r /root/c");
        Assert.Equal("one", Run("git", "-C", "/root/c", "show", "HEAD:file"));
    }

    [ToolFact("pwsh")]
    public void PwshRunsAPipeline()
    {
        Jail("--command", "pwsh");
        Assert.Equal("6", Run("pwsh", "-NoProfile", "-NonInteractive", "-Command", "(1..3 | Measure-Object -Sum).Sum"));
        Assert.Equal("{\"a\":\"é\"}", Run("pwsh", "-NoProfile", "-NonInteractive", "-Command", "@{ a = 'É'.ToLower() } | ConvertTo-Json -Compress; [void] [Security.Cryptography.SHA256]::HashData([byte[]] 1)"));
    }

    [ToolFact("nginx", "python3", "perl", "getent", "locale")]
    public void OneRootHasThemAll()
    {
        Jail("--command", "python3", "--command", "perl", "--command", "getent", "--command", "locale", "--command", "nginx", "--command", "bash");
        Assert.Equal(Store.Shell("locale -a").Output.TrimEnd('\n'), Run("locale", "-a"));
        // root and nobody, and whom nginx runs as.
        Assert.Equal(["nobody", "root", "www-data"], Run("getent", "passwd").Split('\n').Select(line => line.Split(':')[0]).Order(StringComparer.Ordinal));
        Assert.Equal("True", Run("python3", "-c", "import ssl, ctypes, lzma, uuid; print(len(ssl.create_default_context().get_ca_certs()) > 0)"));
        Assert.Equal("8.5", Run("perl", "-MList::Util=sum", "-MJSON::PP", "-e", "print sum(map { decode_json('[' . $_ . ']')->[0] } 1, 7.5)"));
    }

    [ToolFact("date", "unshare")]
    public void DateHasTheHostsZone()
    {
        // On a host in Tokyo.
        _id = Store.PrivateShell("mount --bind /usr/share/zoneinfo/Asia/Tokyo \"$(readlink -f /etc/localtime)\"; exec $CAGE new web --command date").Ended(0).Output.TrimEnd('\n');
        Cage("start", "web").Silently();
        Assert.Equal("+0900", Run("date", "+%z"));
    }
}
