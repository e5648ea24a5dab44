using System.Runtime.InteropServices;
using Cage.Engine.Plans;
using Cage.Engine.Roots;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>Roots from chosen commands: what is put in, where it goes whatever links are there, and how it is taken out again.</summary>
public sealed partial class RootTests : IDisposable
{
    private readonly TestStore _store = new();
    // Not below /tmp, which is another one in a running cage.
    private readonly string _host = Directory.CreateDirectory($"/var/tmp/cage-host-{Guid.NewGuid():N}").FullName;
    private readonly List<string> _warnings = [];

    public void Dispose()
    {
        Shell.Run("rm -rf \"$host\"", ("host", _host));
        _store.Dispose();
    }

    private CageInfo New(RootRequest request, CageKind kind = CageKind.Writable, params Guid[] bases)
    {
        CageInfo cage = _store.Engine.Create(new NewCage { Name = "tiny", Kind = kind, Base = bases }, request, _warnings.Add);
        _store.Ids.Add(cage.Id);
        return cage;
    }

    private static RootRequest Commands(params string[] names) => new() { Commands = names, ChoosesPacks = false };

    private RootRequest OwnFiles => new() { Files = [_host], ChoosesPacks = false };

    private string In(CageInfo cage, string path) => $"{cage.Record.RootPath}{path}";

    private static string[] Tree(string folder) => Shell.Run("cd \"$folder\"; find . -mindepth 1 -printf '%P\n' | sort", ("folder", folder)).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private void OnHost(string script) => Shell.Run($"cd \"$host\"; {script}", ("host", _host));

    [CageFact]
    public void A_root_of_three_commands_has_what_they_need_and_runs_them()
    {
        CageInfo layer = New(Commands("sh", "ls", "cat"), CageKind.ReadOnly);
        string[] files = [.. Tree(layer.Record.RootPath).Where(path => !Directory.Exists(In(layer, $"/{path}")) || new FileInfo(In(layer, $"/{path}")).LinkTarget is not null)];
        HashSet<string> expected = [.. _store.Engine.PlanAdd(Commands("sh", "ls", "cat")).Select(one => one.Location!.TrimStart('/'))];
        Assert.Equal(expected.Order(StringComparer.Ordinal), files.Order(StringComparer.Ordinal));
        Assert.Empty(_warnings);

        CageRecord web = _store.Create(new NewCage { Name = "web", Base = [layer.Id] }).Record;
        using RunningCage running = _store.Start(web);
        Assert.Equal(0, _store.Run(running.Info, TestStore.Command("/usr/bin/ls", "/usr")).Status);
        Assert.Equal("hello", _store.Run(running.Info, TestStore.Command("/usr/bin/sh", "-c", "echo hello | cat")).Output.Trim());
    }

    [RootFact]
    public void Metadata_links_and_capabilities_are_kept_and_setuid_is_not()
    {
        OnHost(
            """
            mkdir -p d/e; echo one >d/file; chmod 640 d/file; chown 12:34 d/file; touch -d '2001-02-03 04:05:06.123456789' d/file
            ln d/file d/second; ln -s file d/link; ln -s link d/chain; ln -s /nonexistent d/dangling; ln -s ../d/e d/folderlink
            cp /usr/bin/true d/su; chown 0:0 d/su; chmod 6755 d/su
            cp /usr/bin/true d/net; 
            truncate -s 10M d/sparse; mkfifo d/fifo; chmod 2750 d/e; touch -d 2002-03-04 d/e d
            """);
        // cap_net_bind_service, as setcap(8) writes it (linux/capability.h, vfs_cap_data).
        byte[] capability = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        Assert.Equal(0, lsetxattr($"{_host}/d/net", "security.capability", capability, capability.Length, 0));
        CageInfo cage = New(OwnFiles);
        string copy = In(cage, _host);
        string List(string folder) => Shell.Run("cd \"$folder/d\"; stat -c '%n %a %u:%g %s %h %y %N' file second link chain dangling folderlink net sparse e . | grep -v ^fifo", ("folder", folder));
        Assert.Equal(List(_host), List(copy));
        byte[] copied = new byte[capability.Length];
        Assert.Equal(capability.Length, lgetxattr($"{copy}/d/net", "security.capability", copied, copied.Length));
        Assert.Equal(capability, copied);
        Assert.Equal(Files.Status($"{copy}/d/file")!.Value.Inode, Files.Status($"{copy}/d/second")!.Value.Inode);
        Assert.Equal("755", Shell.Run("stat -c %a \"$copy/d/su\"", ("copy", copy)).Trim());
        Assert.Contains(_warnings, warning => warning.Contains("/d/su is there without its setuid", StringComparison.Ordinal));
        Assert.Equal("0", Shell.Run("stat -c %b \"$copy/d/sparse\"", ("copy", copy)).Trim());
        Assert.False(File.Exists($"{copy}/d/fifo"));

        CageInfo kept = New(OwnFiles with { KeepsSetuid = true });
        Assert.Equal("6755", Shell.Run("stat -c %a \"$copy/d/su\"", ("copy", In(kept, _host))).Trim());
    }

    /// <summary>Whoever was root in a cage may have made these.</summary>
    [RootTheory]
    [InlineData("ln -s ../../../../../../../../.. \"$root$above\"")]
    [InlineData("ln -s / \"$root$above\"")]
    [InlineData("mkdir -p \"$root$host\"; rmdir \"$root$host\"; ln -s \"$victim\" \"$root$host\"")]
    [InlineData("mkdir -p \"$root$host\"; ln -s \"$victim/file\" \"$root$host/file\"; ln -s \"$victim\" \"$root$host/d\"")]
    [InlineData("mkdir -p \"$root$host\"; ln -s /proc/self/root/\"$victim\" \"$root$host/d\"")]
    [InlineData("mkdir -p \"$root$host\"; ln -s /proc/1/root \"$root$host/d\"")]
    [InlineData("ln -s \"$victim\" \"$root/etc\"; ln -s \"$victim\" \"$root/var\"; ln -s \"$victim\" \"$root/usr\"")]
    public void No_link_in_a_root_leads_a_write_out(string setup)
    {
        string victim = Directory.CreateDirectory($"{_store.Folder}/victim").FullName;
        OnHost("mkdir d; echo one >file; echo two >d/file");
        CageInfo cage = _store.Create(new NewCage { Name = "evil" });
        Shell.Run(
            $"rm -rf \"$root/usr\" \"$root/etc\" \"$root/var\" \"$root$above\"; {setup}",
            ("root", cage.Record.RootPath), ("host", _host), ("above", _host[.._host.IndexOf('/', 1)]), ("victim", victim));
        string before = Shell.Run("cd \"$host\"; find . -printf '%p %i %T@ %C@\n' | sort", ("host", _host));
        try
        {
            _store.Engine.Add(cage.Record, OwnFiles with { Packs = ["users", "ld"], ChoosesPacks = true, Commands = ["true"] }, _warnings.Add);
        }
        catch (CageException e)
        {
            // Refused is fine as well: what matters is what happened outside.
            Assert.Contains(e.Error, (CageError[])[CageError.CageStoreFailed]);
        }
        Assert.Empty(Directory.GetFileSystemEntries(victim));
        Assert.Equal(before, Shell.Run("cd \"$host\"; find . -printf '%p %i %T@ %C@\n' | sort", ("host", _host)));
    }

    [RootTheory]
    [InlineData("$victim")]
    [InlineData("../../../../../../../../../../$victim")]
    [InlineData("/proc/self/root/$victim")]
    public void No_link_in_a_root_leads_a_removal_out(string target)
    {
        string victim = Directory.CreateDirectory($"{_store.Folder}/victim").FullName;
        OnHost("mkdir d; echo one >d/a; echo two >d/b; ln -s a d/link");
        CageInfo cage = New(OwnFiles);
        Shell.Run($"cp -a \"$host/d/.\" \"$victim\"; rm -r \"$in/d\"; ln -s \"{target}\" \"$in/d\"", ("in", In(cage, _host)), ("host", _host), ("victim", victim));
        string Look() => Shell.Run("cd \"$victim\"; find . -printf '%p %i %l %T@ %C@\n' | sort", ("victim", victim));
        string before = Look();
        OnHost("echo ONE >d/a; rm d/b");
        Assert.NotEmpty(_store.Engine.Test(cage.Record));
        foreach (Action act in (Action[])[() => _store.Engine.Update(cage.Record, force: true), () => _store.Engine.RemoveContents(cage.Record, [.. _store.Engine.GetContents(cage.Record)], force: true)])
        {
            try
            {
                act();
            }
            catch (CageException e)
            {
                Assert.Equal(CageError.CageStoreFailed, e.Error);
            }
            Assert.Equal(before, Look());
        }
    }

    [RootFact]
    public void What_a_command_lacks_is_found_and_put_back()
    {
        CageInfo cage = New(Commands("bash", "ls"));
        Shell.Run("cd \"$root\"; rm usr/bin/ls; find . -name 'libtinfo.so*' -delete", ("root", cage.Record.RootPath));
        string[] Missing() => [.. _store.Engine.Test(cage.Record).Where(finding => finding.Kind == FindingKind.Missing).Select(finding => finding.Message)];
        Assert.Equal(["/usr/bin/ls is not there.", "libtinfo.so.6 is not there, and /usr/bin/bash needs it."], Missing());
        _store.Engine.Update(cage.Record);
        Assert.Empty(_store.Engine.Test(cage.Record));
    }

    [RootFact]
    public void What_is_taken_out_is_what_nothing_else_needs_and_nobody_changed()
    {
        CageInfo cage = New(Commands("true", "bash"));
        _store.Engine.Add(cage.Record, OwnFiles, _warnings.Add);
        OnHost("mkdir d; echo one >d/a; echo two >d/b");
        _store.Engine.Add(cage.Record, OwnFiles, _warnings.Add);
        string[] whole = Tree(cage.Record.RootPath);
        File.WriteAllText(In(cage, $"{_host}/d/a"), "mine");
        CageContent[] contents = [.. _store.Engine.GetContents(cage.Record)];
        Assert.Equal(["true", "bash", Path.GetFileName(_host)], contents.Select(content => content.Command));

        _store.Engine.RemoveContents(cage.Record, [.. contents.Where(content => content.Command != "true")], warn: _warnings.Add);
        string[] left = [.. Tree(cage.Record.RootPath).Where(path => !Directory.Exists(In(cage, $"/{path}")))];
        Assert.Contains("usr/bin/true", left);
        Assert.Contains(left, path => path.EndsWith("/libc.so.6", StringComparison.Ordinal));
        Assert.DoesNotContain(left, path => path.Contains("bash", StringComparison.Ordinal) || path.Contains("libtinfo", StringComparison.Ordinal) || path.EndsWith("d/b", StringComparison.Ordinal));
        Assert.Contains($"{_host[1..]}/d/a", left);
        Assert.Contains(_warnings, warning => warning.Contains("d/a was changed in the cage", StringComparison.Ordinal));

        _store.Engine.Add(cage.Record, Commands("bash"));
        _store.Engine.RemoveContents(cage.Record, [.. _store.Engine.GetContents(cage.Record)]);
        Assert.DoesNotContain(Tree(cage.Record.RootPath), path => path.Contains("lib", StringComparison.Ordinal) || path.Contains("bin", StringComparison.Ordinal));
        Assert.NotEmpty(whole);
    }

    [RootFact]
    public void What_the_user_put_there_stays()
    {
        OnHost("echo theirs >file; ln -s file link; mkdir folder; echo x >folder/x");
        CageInfo cage = _store.Create(new NewCage { Name = "own" });
        Shell.Run("mkdir -p \"$in\"; cd \"$in\"; echo mine >file; echo mine >link; echo mine >folder", ("in", In(cage, _host)));
        Assert.Throws<CageException>(() => _store.Engine.Add(cage.Record, OwnFiles, _warnings.Add));
        File.Delete(In(cage, $"{_host}/folder"));
        _store.Engine.Add(cage.Record, OwnFiles, _warnings.Add);
        Assert.Equal("mine\n", File.ReadAllText(In(cage, $"{_host}/file")));
        Assert.Null(new FileInfo(In(cage, $"{_host}/link")).LinkTarget);
        Assert.Equal(2, _warnings.Distinct().Count());
        _store.Engine.Add(cage.Record, OwnFiles with { Force = true });
        Assert.Equal("theirs\n", File.ReadAllText(In(cage, $"{_host}/file")));
        Assert.Equal("file", new FileInfo(In(cage, $"{_host}/link")).LinkTarget);
    }

    [RootFact]
    public void What_fails_half_way_leaves_nothing()
    {
        OnHost("mkdir d; echo one >d/a; head -c 3000000 /dev/zero >d/b");
        MountNamespace.Run(folder =>
        {
            string small = Directory.CreateDirectory($"{folder}/small").FullName;
            MountNamespace.Mount("cage-test", small, "tmpfs", options: "size=2m");
            using TestStore store = new(Directory.CreateDirectory($"{small}/store").FullName);
            CageException e = Assert.Throws<CageException>(() => store.Engine.Create(new NewCage { Name = "full" }, OwnFiles));
            Assert.Contains("ENOSPC", e.Message, StringComparison.Ordinal);
            Assert.Empty(Directory.GetFileSystemEntries(store.Settings.Data));

            CageInfo cage = store.Create(new NewCage { Name = "full" });
            string[] before = Tree(cage.Record.RootPath);
            Assert.Throws<CageException>(() => store.Engine.Add(cage.Record, OwnFiles));
            Assert.Equal(before, Tree(cage.Record.RootPath));
            Assert.Throws<CageException>(() => store.Engine.Add(cage.Record, Commands("no-such-command")));
            Assert.Equal(before, Tree(cage.Record.RootPath));
        });
    }

    [CageFact]
    public void Over_a_base_only_what_it_lacks_is_put_in_and_nothing_of_it_is_hidden()
    {
        CageInfo layer = New(Commands("sh", "ls", "cat"), CageKind.ReadOnly);
        CageInfo web = New(Commands("sh", "env"), CageKind.Writable, layer.Id);
        Assert.Equal(["usr", "usr/bin", "usr/bin/env"], Tree(web.Record.RootPath).Where(path => path.StartsWith("usr", StringComparison.Ordinal)));
        using RunningCage running = _store.Start(web.Record);
        Assert.Equal(0, _store.Run(running.Info, TestStore.Command("/usr/bin/ls", "/")).Status);
        // One that runs has it at once.
        _store.Engine.Add(web.Record, Commands("true", "bash"));
        Assert.Equal("yes", _store.Run(running.Info, TestStore.Command("/usr/bin/bash", "-c", "true && echo yes")).Output.Trim());
        CageException busy = Assert.Throws<CageException>(() => _store.Engine.Add(layer.Record, Commands("true")));
        Assert.Equal(CageError.CageBusy, busy.Error);
    }

    [RootFact]
    public void Drift_is_found_and_mended()
    {
        OnHost("echo one >a; echo two >b; echo three >c; echo four >d");
        CageInfo cage = New(OwnFiles);
        Assert.Empty(_store.Engine.Test(cage.Record));
        OnHost("echo ONE >a; touch -d 2030-01-01 b; echo CCC >c; rm d");
        File.WriteAllText(In(cage, $"{_host}/c"), "mine\n");
        Shell.Run("chmod u+s \"$in/b\"; mkdir -p \"$root/etc\"; echo 'root:$6$abcdefgh$1234567890:0:0::/:/bin/sh' >\"$root/etc/passwd\"", ("in", In(cage, _host)), ("root", cage.Record.RootPath));
        Assert.Equal(
            [$"Changed {_host}/c", $"Drifted {_host}/a", $"Drifted {_host}/c", $"GoneFromHost {_host}/d", "Password /etc/passwd", $"Setuid {_host}/b"],
            _store.Engine.Test(cage.Record).Select(finding => $"{finding.Kind} {finding.Path}").Order(StringComparer.Ordinal));
        _store.Engine.Update(cage.Record, warn: _warnings.Add);
        Assert.Equal("ONE\n", File.ReadAllText(In(cage, $"{_host}/a")));
        Assert.Equal("mine\n", File.ReadAllText(In(cage, $"{_host}/c")));
        Assert.False(File.Exists(In(cage, $"{_host}/d")));
        Assert.Contains(_warnings, warning => warning.Contains("/c was changed in the cage, and on the host since", StringComparison.Ordinal));
        _store.Engine.Update(cage.Record, force: true);
        Assert.Equal("CCC\n", File.ReadAllText(In(cage, $"{_host}/c")));
    }

    [RootFact]
    public void What_is_temporary_is_taken_out_again()
    {
        CageInfo cage = New(Commands("true"));
        string[] before = Tree(cage.Record.RootPath);
        _store.Engine.Add(cage.Record, Commands("bash", "true") with { IsTemporary = true });
        Assert.NotEqual(before, Tree(cage.Record.RootPath));
        Assert.True(_store.Engine.ClearTemporary(cage.Record));
        Assert.Equal(before, Tree(cage.Record.RootPath));
        Assert.False(_store.Engine.ClearTemporary(cage.Record));
    }

    [RootFact]
    public void Accounts_come_without_passwords_and_with_shells_that_are_there()
    {
        CageInfo cage = New(Commands("sh"));
        IReadOnlyList<CageAccount> accounts = _store.Engine.CopyAccounts(cage.Record, new AccountQuery { Names = ["root", "nobody", "no-such-user"] });
        Assert.Equal(["root", "nobody"], accounts.Select(account => account.Name));
        string[] lines = File.ReadAllLines(In(cage, "/etc/passwd"));
        Assert.Equal(2, lines.Length);
        Assert.All(lines, line => Assert.Equal("*", line.Split(':')[1]));
        Assert.All(File.ReadAllLines(In(cage, "/etc/group")), line => Assert.Equal("*", line.Split(':')[1]));
        // bash is not in there.
        Assert.Equal("/usr/sbin/nologin", lines[0].Split(':')[6] == "/bin/bash" ? "bash" : lines[1].Split(':')[6]);
        Assert.False(File.Exists(In(cage, "/etc/shadow")));
        _store.Engine.CopyAccounts(cage.Record, new AccountQuery { MinimumUid = 0, MaximumUid = 5 });
        Assert.All(File.ReadAllLines(In(cage, "/etc/passwd")).Where(line => line.Split(':')[0] != "nobody"), line => Assert.InRange(int.Parse(line.Split(':')[2]), 0, 5));
        Assert.Single(File.ReadAllLines(In(cage, "/etc/passwd")), line => line.StartsWith("root:", StringComparison.Ordinal));
    }

    [CageFact]
    public void The_cache_of_the_loader_is_made_for_what_is_there()
    {
        OnHost(
            """
            mkdir -p lib bin; echo 'int answer(void) { return 42; }' | gcc -shared -fPIC -x c - -o lib/libanswer.so.10 -Wl,-soname,libanswer.so.10; ln -s libanswer.so.10 lib/libanswer.so
            cp lib/libanswer.so.10 lib/libanswer.so.9
            echo 'int answer(void); int main(void) { return answer(); }' | gcc -x c - -o bin/ask -x none -Llib -lanswer
            """);
        CageInfo cage = New(new RootRequest { Files = [_host], Commands = ["/bin/sh"], Packs = ["ld"] });
        Directory.CreateDirectory(In(cage, "/etc/ld.so.conf.d"));
        File.WriteAllText(In(cage, "/etc/ld.so.conf.d/answer.conf"), $"{_host}/lib\n");
        _store.Engine.Update(cage.Record);
        string cache = Shell.Run("ldconfig -p -C \"$cache\"", ("cache", In(cage, "/etc/ld.so.cache")));
        Assert.Contains($"libanswer.so.10 (libc6,x86-64) => {_host}/lib/libanswer.so.10", cache, StringComparison.Ordinal);
        // In the order that ldconfig itself gives the same files.
        string[] ours = [.. cache.Split('\n').Where(line => line.StartsWith('\t')).Select(line => line.Trim().Split(' ')[0])];
        Assert.Equal(["libanswer.so.10", "libanswer.so.9", "libanswer.so"], ours.Where(name => name.Contains("answer", StringComparison.Ordinal)));
        using RunningCage running = _store.Start(cage.Record);
        Assert.Equal(42, _store.Run(running.Info, TestStore.Command($"{_host}/bin/ask")).Status);
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int lsetxattr(string path, string name, byte[] value, nint size, int flags);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint lgetxattr(string path, string name, byte[] value, nint size);

    [RootFact]
    public void A_large_file_is_told_of_in_parts_and_nothing_of_it_is_left_when_it_is_cancelled()
    {
        // On another file system, so that no block can be shared.
        string folder = Directory.CreateDirectory($"/dev/shm/cage-host-{Guid.NewGuid():N}").FullName, path = $"{folder}/large";
        try
        {
            Shell.Run("head -c 64M /dev/zero >\"$path\"", ("path", path));
            RootRequest request = new() { Files = [path], ChoosesPacks = false };
            CageInfo cage = New(Commands());
            string before = Shell.Run("cd \"$folder\"; find . -printf '%P %s %m\n' | sort", ("folder", cage.Path));
            using CancellationTokenSource stop = new();
            List<double> parts = [];
            Assert.Throws<OperationCanceledException>(() => _store.Engine.Add(
                cage.Record, request, _warnings.Add,
                progress =>
                {
                    if (progress.Path == path) parts.Add(progress.Done);
                    if (progress.Done > 0.3) stop.Cancel();
                },
                stop.Token));
            Assert.InRange(parts.Count, 2, 30);
            Assert.Equal(before, Shell.Run("cd \"$folder\"; find . -printf '%P %s %m\n' | sort", ("folder", cage.Path)));

            _store.Engine.Add(cage.Record, request, _warnings.Add, progress => parts.Add(progress.Done));
            Assert.All(parts, part => Assert.InRange(part, 0, 1));
            Assert.Equal(64 << 20, new FileInfo(In(cage, path)).Length);
            Assert.Empty(_warnings);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
