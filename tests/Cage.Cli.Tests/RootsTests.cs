using System.Text.Json;

namespace Cage.Cli.Tests;

/// <summary>Roots from chosen commands, with real programs in a Jail that has nothing else in it. [001] [003]</summary>
public sealed class RootsTests : CageTest
{
    private void Jail(params string[] arguments)
    {
        Store.New(["web", .. arguments]);
        Cage("start", "web").Silently();
    }

    private string Run(params string[] command) => Cage(["exec", "web", "--", .. command]).Ended(0).Output.TrimEnd('\n');

    [Fact]
    public void DepsTellsEachFileWithItsReason()
    {
        JsonElement[] all = Cage("deps", "bash", "--no-packs", "--json").Objects();
        string[] expected = ["path", "reason", "requiredBy", "through", "target", "missing"];
        Assert.All(all, one => Assert.Equal(expected, one.EnumerateObject().Select(member => member.Name)));
        Assert.Equal(("/usr/bin/bash", "requested", null), (all[0].Text("path"), all[0].Text("reason"), all[0].Text("requiredBy")));
        Assert.Contains(all, one => one.Text("reason") == "interpreter");
        Assert.Contains(all, one => one.Text("reason") == "needed" && one.Text("path")!.EndsWith("/libc.so.6", StringComparison.Ordinal));
        Assert.All(all, one => Assert.False(one.GetProperty("missing").GetBoolean()));
        Assert.DoesNotContain(all, one => one.Text("reason") == "pack");
        JsonElement[] packed = Cage("deps", "bash", "--json").Objects();
        Assert.Contains(packed, one => one.Text("path") == "/etc/nsswitch.conf" && one.Text("reason") == "pack" && one.Text("through")!.StartsWith("nss: ", StringComparison.Ordinal));
        Assert.StartsWith("PATH ", Cage("deps", "bash", "sh").Ended(0).Output);
    }

    [Fact]
    public void WhatIsNotThereIsToldAndTheRestGoesOn()
    {
        Outcome outcome = Cage("deps", "--json", "no-such-command", "true").Ended(1).Said("no-such-command", "ENOENT");
        Assert.Equal("/usr/bin/true", outcome.Parse()[0].Text("path"));
        Cage("deps").Ended(2);
        Cage("deps", "true", "--pack", "nosuch").Failed(1, "nosuch");
        File.WriteAllBytes($"{Store.Files}/broken", [.. File.ReadAllBytes("/usr/bin/true").Take(300)]);
        Cage("deps", $"{Store.Files}/broken").Ended(1).Said("broken ELF file");
        Cage("deps", "").Ended(1).Said("empty name");
        Cage("deps", "/etc").Ended(1).Said("/etc", "EISDIR", "--file");
        Cage("deps", "/dev/null").Ended(1).Said("/dev/null", "EACCES");
    }

    /// <summary>A table is read by people on terminals, a line for each thing.</summary>
    [Fact]
    public void NamesInATableCannotSpeakToTheTerminal()
    {
        string path = $"{Store.Files}/a\nb\e[31mc";
        File.WriteAllText(path, "text");
        Outcome table = Cage("deps", "--no-packs", path).Ended(0);
        Assert.Equal(2, table.Lines.Length);
        Assert.StartsWith($"{Store.Files}/a\\nb\\x1b[31mc ", table.Lines[1], StringComparison.Ordinal);
        Assert.Equal(path, Cage("deps", "--no-packs", "--json", path).Objects()[0].Text("path"));
    }

    /// <summary>What nginx's sites-enabled has are links, which sed -i makes files of.</summary>
    [RootFact]
    public void WhatTheUserHasPutInPlaceOfALinkStays()
    {
        Store.Shell("cd \"$STORE/files\"; echo one >one; echo two >two; ln -s one file; ln -s one link; ln -s one same").Ended(0);
        string id = Store.New(["web", .. new[] { "one", "two", "file", "link", "same" }.SelectMany(name => new[] { "--file", $"{Store.Files}/{name}" })]), root = $"{Store.Data}/{id}.w/root{Store.Files}";
        Store.Shell($"cd {root}; rm file; echo mine >file; ln -sfn /mine link").Ended(0);
        string Look() => Store.Shell($"cd {root}; cat file; readlink link same").Output;
        Cage("update", "web").Silently();
        Cage("add", "web", "--file", $"{Store.Files}/file").Silently();
        Assert.Equal("mine\n/mine\none\n", Look());
        Assert.Equal(["Changed", "Changed"], Cage("check", "web", "--json").Ended(1).Parse().Select(finding => finding.Text("kind")));
        Store.Shell("cd \"$STORE/files\"; ln -sfn two file; ln -sfn two link; ln -sfn two same").Ended(0);
        Assert.Contains(Cage("check", "web", "--json").Ended(1).Parse(), finding => finding.Text("kind") == "Drifted" && finding.Text("path") == $"{Store.Files}/same");
        Cage("update", "web").Ended(0).Said("files/file was changed", "files/link was changed", "--force");
        Assert.Equal("mine\n/mine\ntwo\n", Look());
        Cage("update", "web", "--force").Silently();
        Assert.Equal("two\ntwo\ntwo\n", Look());
        Cage("check", "web").Silently();
    }

    [RootTheory]
    [InlineData("etc", "ELOOP")]
    [InlineData("/nowhere", "ENOTDIR")]
    public void ALinkInTheWayIsTold(string link, string errno)
    {
        string id = Store.New("web", "--command", "true", "--no-packs"), root = $"{Store.Data}/{id}.w/root";
        Store.Shell($"rm -rf {root}/etc; ln -s {link} {root}/etc").Ended(0);
        Cage("add", "web", "--file", "/etc/hosts").Failed(1, "Adding /etc/hosts", errno);
        Assert.DoesNotContain(Cage("contents", "web", "--json").Objects(), content => content.Text("kind") == "file");
    }

    [RootFact]
    public void AFolderIsNoCommand()
    {
        Cage("new", "web", "--command", "/etc").Failed(1, "/etc", "EISDIR", "--file");
        Assert.Empty(Cage("list", "--json").Objects());
    }

    [RootFact]
    public void APackOfTheUsersOwnIsTaken()
    {
        string packs = Directory.CreateDirectory($"{Store.Files}/tool/packs").FullName;
        File.AppendAllText(Store.Conf, $"tool={Store.Files}/tool\n");
        File.WriteAllText($"{packs}/mine.pack", "# my own\nsummary=mine\ncommand=tru*\nfile=/etc/host*\nfolder=/srv/mine 0750\n");
        Assert.Contains(Cage("packs", "--json").Objects(), pack => pack.Text("name") == "mine" && pack.Text("source") == $"{packs}/mine.pack");
        string id = Store.New("web", "--command", "true");
        Assert.True(File.Exists($"{Store.Data}/{id}.w/root/etc/hosts"));
        Store.Shell($"stat -c %a \"$STORE\"/data/{id}.w/root/srv/mine").Ended(0);
        File.WriteAllText($"{packs}/mine.pack", "fiel=/etc/hosts\n");
        Cage("packs").Failed(1, "mine.pack", "line 1", "fiel");
    }

    /// <summary>A name is bytes, not text (path_resolution(7)).</summary>
    [RootFact]
    public void NamesThatAreNoTextAreKept()
    {
        string packs = Directory.CreateDirectory($"{Store.Files}/tool/packs").FullName;
        File.AppendAllText(Store.Conf, $"tool={Store.Files}/tool\n");
        File.WriteAllText($"{packs}/odd.pack", $"file={Store.Files}/odd/*\nskip=*.left\n");
        Store.Bash("""
            set -e; cd "$STORE/files"; trap 'rm -r "$STORE/files/odd"' EXIT; mkdir odd odd/$'d\xe9'; echo one >odd/$'a\xff\xfe'; echo two >odd/$'d\xe9'/$'b\n#=\t'; ln -s $'a\xff\xfe' odd/$'l\x80'; touch odd/$'x\xff.left' odd/$'d\xe9'/$'y\xff.left'
            id=$($CAGE new web --pack odd --no-packs); root=$STORE/data/$id.w/root; there=$STORE/files/odd
            list() { (cd "$1" && find . ! -name '*.left' -printf '%P %y %s %l\0' | sort -z); }
            cmp <(list odd) <(list "$root$there"); test ! -e "$root$there"/$'x\xff.left'
            $CAGE check web
            echo TWO >odd/$'d\xe9'/$'b\n#=\t'; test "$($CAGE check web --json | jq -r '.[].kind')" = Drifted
            $CAGE update web; $CAGE check web; cmp odd/$'d\xe9'/$'b\n#=\t' "$root$there"/$'d\xe9'/$'b\n#=\t'
            $CAGE drop web --pack odd; test ! -e "$root$there"
            $CAGE add web --file "$there"/$'a\xff\xfe'; cmp odd/$'a\xff\xfe' "$root$there"/$'a\xff\xfe'
            $CAGE drop web --file "$there"/$'a\xff\xfe'; test ! -e "$root$there"
            """).Ended(0);
    }

    [RootFact]
    public void ShellPythonPerlAndTheRestRunInARootOfTheirOwn()
    {
        Jail("--command", "bash", "--command", "date", "--command", "python3", "--command", "perl", "--command", "getent", "--command", "locale", "--command", "openssl", "--pack", "shell");
        Assert.Equal("3", Run("bash", "-c", "echo $((1 + 2))"));
        Assert.Equal(Store.Shell("date +%Z").Output.Trim(), Run("date", "+%Z"));
        Assert.Equal("True", Run("python3", "-c", "import ssl, json, sqlite3; print(ssl.create_default_context() is not None)"));
        Assert.Equal("ok", Run("perl", "-MPOSIX", "-MEncode", "-e", "print 'ok'"));
        Assert.Equal("root nobody", Run("sh", "-c", "getent passwd | cut -d: -f1 | tr '\\n' ' ' | sed 's/ $//'"));
        Assert.Contains("C.utf8", Run("locale", "-a"), StringComparison.Ordinal);
        Assert.Equal(64, Run("sh", "-c", "echo x | openssl dgst -sha256 -r").Split(' ')[0].Length);
        // Nothing else: the host's own files are not in there.
        Assert.Equal("", Run("sh", "-c", "ls /root /home /srv 2>/dev/null | grep -v : || true").Trim());
        Assert.False(File.Exists($"{Store.RootPath("web")}/usr/bin/apt"));
    }

    [ToolFact("nginx")]
    public void NginxServesAPage()
    {
        string id = Store.New("web", "--command", "nginx", "--command", "sh");
        int port = NginxTests.FreePort();
        string root = $"{Store.Data}/{id}.w/root";
        foreach (string site in Directory.GetFiles($"{root}/etc/nginx/sites-enabled")) File.Delete(site);
        File.WriteAllText($"{root}/etc/nginx/conf.d/own.conf", $"server {{ listen 127.0.0.1:{port}; root /var/www/html; }}\n");
        byte[] page = [.. "<p>"u8, 0, 255, .. Guid.NewGuid().ToByteArray()];
        File.WriteAllBytes($"{root}/var/www/html/own.html", page);
        Cage("start", "web").Silently();
        Cage("exec", "web", "--", "nginx").Ended(0);
        using HttpClient client = new() { BaseAddress = new Uri($"http://127.0.0.1:{port}/"), Timeout = TimeSpan.FromSeconds(10) };
        Assert.Equal(page, client.GetByteArrayAsync("/own.html").Result);
        // What was changed here stays when nginx is taken out.
        Cage("stop", "web").Ended(0);
        Cage("drop", "web", "--command", "nginx").Ended(0);
        Assert.False(File.Exists($"{root}/usr/sbin/nginx"));
        Assert.True(File.Exists($"{root}/var/www/html/own.html"));
    }

    [ToolFact("gcc")]
    public void AStaticProgramNeedsNothing()
    {
        Store.Shell("echo 'int main(void) { return 7; }' >\"$STORE/files/s.c\"; gcc -static -o \"$STORE/files/static\" \"$STORE/files/s.c\"; gcc -static-pie -o \"$STORE/files/pie\" \"$STORE/files/s.c\"").Ended(0);
        foreach (string name in (string[])["static", "pie"])
        {
            JsonElement one = Assert.Single(Cage("deps", "--no-packs", "--json", $"{Store.Files}/{name}").Objects(), one => one.Text("reason") != "symlink");
            Assert.Equal("requested", one.Text("reason"));
        }
    }

    [ToolFact("git")]
    public void GitMakesARepository()
    {
        Jail("--command", "git");
        Run("git", "init", "-q", "/tmp/r");
        Assert.Equal("true", Run("git", "-C", "/tmp/r", "rev-parse", "--is-inside-work-tree"));
    }

    [RootFact]
    public void AddDropAndContentsGoTogether()
    {
        string id = Store.New("web", "--command", "true", "--no-packs");
        string[] Files() => [.. Store.Shell($"cd \"$STORE\"/data/{id}.w/root; find . ! -type d | sort").Lines];
        string[] before = Files();
        Cage("add", "web", "--command", "env", "--command", "bash", "--no-packs").Silently();
        Assert.Equal(["true", "env", "bash"], Cage("contents", "web", "--json").Objects().Select(one => one.Text("command")));
        Cage("drop", "web", "--command", "env", "--command", "bash").Silently();
        Assert.Equal(before, Files());
        Cage("drop", "web", "--command", "env").Failed(1, "env");
        Cage("add", "web").Ended(2);
        Cage("add", "web", "--command", "no-such-command").Failed(1, "no-such-command", "ENOENT");
        Cage("new", "x", "--read-only", "--source", "/etc", "--command", "true").Ended(2);
        Cage("check", "web").Ended(0);
        Store.Shell($"echo x >>\"$STORE\"/data/{id}.w/root/usr/bin/true").Ended(0);
        Assert.Equal("Changed", Cage("check", "web", "--json").Ended(1).Parse()[0].Text("kind"));
    }

    [ToolFact("strace")]
    public void TraceFindsTheTimeZoneAndPutsItIn()
    {
        Jail("--command", "date", "--no-packs");
        JsonElement zone = Assert.Single(Cage("trace", "web", "--missing", "--json", "--", "date").Objects(), one => one.Text("path") == "/etc/localtime");
        Assert.Equal("ENOENT", zone.Text("errno"));
        Assert.True(zone.GetProperty("onHost").GetBoolean());
        Cage("trace", "web", "--fix", "--", "date").Ended(0);
        Cage("trace", "web", "--", "date", "--nonsense").Ended(1);
        Cage("trace", "web", "--json", "--", "nosuch").Ended(127).Said("nosuch");
        Cage("trace", "web", "--user", "nosuch", "--", "date").Ended(1).Said("date was not started", "\"nosuch\"");
        Assert.Empty(Cage("trace", "web", "--missing", "--json", "--", "date").Objects());
    }

    [ToolFact("strace")]
    public void ATraceThatIsKilledLeavesNoFile()
    {
        Jail("--command", "sleep", "--no-packs");
        Store.Environment["TMPDIR"] = Directory.CreateDirectory($"{Store.Files}/tmp").FullName;
        string sleep = $"47{Random.Shared.Next(10000, 99999)}";
        Child trace = Store.StartCage("trace", "web", "--", "sleep", sleep);
        Wait.Until(() => HostView.WithCommandLine($"sleep {sleep}").Length > 0, () => "nothing was started");
        trace.Signal(Child.SIGKILL);
        trace.Exit();
        Assert.Empty(Directory.GetFileSystemEntries($"{Store.Files}/tmp"));
        Assert.Empty(Directory.GetDirectories("/tmp", "cage-trace-*"));
        Cage("stop", "web").Silently();
    }

    /// <summary>What is traced may have been written by anybody.</summary>
    [ToolFact("strace")]
    public void TraceDoesNotPutInWhatTheHostKeepsFromItsUsers()
    {
        Jail("--command", "cat", "--no-packs");
        // Not below /tmp, which is another one inside.
        string folder = Store.Shell("mktemp -d /var/tmp/cage-trace-XXXXXX").Ended(0).Output.Trim();
        try
        {
            Store.Shell($"cd {folder} && chmod 755 . && mkdir -m 700 closed && echo a >closed/a && echo b >b && chmod 600 b && echo c >c && ln -s closed/a link").Ended(0);
            string[] kept = [$"{folder}/closed/a", $"{folder}/b", $"{folder}/link"];
            Outcome traced = Cage(["trace", "web", "--fix", "--", "cat", $"{folder}/c", .. kept]);
            foreach (string path in kept)
            {
                Assert.Contains($"{path} is missing, but", traced.Error, StringComparison.Ordinal);
                Cage("exec", "web", "--", "cat", path).Ended(1);
            }
            Assert.Equal("c", Run("cat", $"{folder}/c"));
            Cage("add", "web", "--file", $"{folder}/b").Ended(0);
            Assert.Equal("b", Run("cat", $"{folder}/b"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Python lists the folders of its modules, and looks for no file that it has not seen there.</summary>
    [ToolFact("strace", "python3")]
    public void TraceFillsTheFoldersThatItHasPutInAndNoOthers()
    {
        Jail("--command", "python3", "--no-packs");
        string[] script = ["python3", "-c", "import json, os; print(json.dumps(os.listdir('/opt')))"];
        string own = Directory.CreateDirectory($"{Store.RootPath("web")}/opt").FullName;
        Assert.NotEqual(0, Cage(["exec", "web", "--", .. script]).Status);
        Cage(["trace", "web", "--fix", "--", .. script]).Ended(0);
        Assert.Equal("[]", Run(script));
        Assert.Empty(Directory.GetFileSystemEntries(own));
        Assert.Empty(Cage(["trace", "web", "--fix", "--json", "--", .. script]).Objects());
    }

    [RootFact]
    public void AWrapperOnTheHostRunsACommandInside()
    {
        Jail("--command", "echo", "--no-packs");
        string bin = Directory.CreateDirectory($"{Store.Files}/bin").FullName;
        Assert.Equal($"{bin}/echo\n", Cage("shim", "web", "echo", "--folder", bin).Ended(0).Output);
        Assert.Equal("in 'side\n", Store.Shell($"'{bin}/echo' \"in 'side\"").Output);
        Assert.Equal($"{bin}/echo", Assert.Single(Cage("shims", "web", "--json").Objects()).Text("path"));
        Cage("unshim", "web").Silently();
        Assert.Empty(Directory.GetFileSystemEntries(bin));
        File.WriteAllText($"{bin}/echo", "mine");
        Cage("shim", "web", "echo", "--folder", bin).Failed(1, $"{bin}/echo");
    }
}
