using System.Net.Sockets;
using Cage.Engine.Runtime;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>Binds and tmpfs: what is shared on purpose is there, as it was asked for, and nothing else; and the host is as it was afterwards.</summary>
public sealed class ShareTests(SmallRoot root) : IClassFixture<SmallRoot>, IDisposable
{
    private readonly TestStore _test = new();

    public void Dispose() => _test.Dispose();

    private string Shared(string name = "shared")
    {
        string folder = Directory.CreateDirectory($"{_test.Folder}/{name}").FullName;
        File.WriteAllText($"{folder}/file", "text\n");
        return folder;
    }

    private CageRecord NewCage(CageIsolation isolation, string[] binds, string[]? tmpfs = null, TestStore? store = null)
    {
        store ??= _test;
        return store.Create(new NewCage
        {
            Name = "web", Base = [store.NewBase(root.Path)], Isolation = isolation, Binds = [.. binds.Select(CageBind.Parse)], Tmpfs = [.. (tmpfs ?? []).Select(CageTmpfs.Parse)],
        }).Record;
    }

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void Folders_and_files_are_there_as_asked_for(CageIsolation isolation)
    {
        string shared = Shared();
        CageRecord record = NewCage(isolation, [$"{shared}:/srv/www/rw", $"{shared}:/srv/www/ro:ro", $"{shared}/file:/etc/given:ro,noexec", $"{shared}:/tmp/deep/er"]);
        string[] plan = [.. _test.Engine.PlanStart(record).Lines.Select(line => $"{line.Action} {line.Target}")];
        Assert.Contains($"bind {shared} ro nosuid nodev, making the target if it is missing /srv/www/ro", plan);
        using (RunningCage web = _test.Start(record))
        {
            Assert.Equal("text text text text", _test.Sh(web.Info, "echo $(cat /srv/www/rw/file /srv/www/ro/file /etc/given /tmp/deep/er/file)"));
            _test.Sh(web.Info, "echo more >/srv/www/rw/new; ! touch /srv/www/ro/new 2>/dev/null && ! touch /etc/given 2>/dev/null");
            Assert.Equal("more\n", File.ReadAllText($"{shared}/new"));
            Dictionary<string, string> mounts = _test.Engine.GetMounts(web.Info).ToDictionary(mount => mount.Target, mount => mount.Options);
            Assert.Equal(["rw", "nosuid", "nodev"], mounts["/srv/www/rw"].Split(',').Intersect(["rw", "ro", "nosuid", "nodev", "noexec"]));
            Assert.Equal(["ro", "nosuid", "nodev", "noexec"], mounts["/etc/given"].Split(',').Intersect(["ro", "nosuid", "nodev", "noexec"]));
        }
        _test.AssertNothingLeft(record);
        Assert.Equal(["file", "new"], Directory.GetFileSystemEntries(shared).Select(Path.GetFileName).Order());
        Assert.True(Directory.Exists($"{record.RootPath}/srv/www/rw"));
        Assert.Equal(0, new FileInfo($"{record.RootPath}/etc/given").Length);
        using (RunningCage again = _test.Start(record)) Assert.Equal("text", _test.Sh(again.Info, "cat /etc/given"));
    }

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Jail)]
    public void A_single_socket_reaches_who_listens_on_the_host(CageIsolation isolation)
    {
        string shared = Shared();
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint($"{shared}/socket"));
        listener.Listen();
        using RunningCage web = _test.Start(NewCage(isolation, [$"{shared}/socket:/run/socket"]));
        Assert.Equal("socket", _test.Sh(web.Info, "stat -c %F /run/socket"));
        // The host's way in: connecting through the cage's own root is connecting to the very same socket.
        using Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(new UnixDomainSocketEndPoint($"{web.Info.RootPath}/run/socket"));
        using Socket accepted = listener.Accept();
        Assert.True(accepted.Connected);
    }

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void Tmpfs_are_empty_each_time_hold_what_they_may_and_may_hold_binds(CageIsolation isolation)
    {
        string shared = Shared();
        CageRecord record = NewCage(isolation, [$"{shared}:/var/scratch/given"], ["/var/scratch:64K", "/var/other"]);
        for (int start = 0; start < 2; start++)
        {
            using RunningCage web = _test.Start(record);
            Assert.Equal("given", _test.Sh(web.Info, "ls /var/other; ls /var/scratch"));
            _test.Sh(web.Info, "echo x >/var/scratch/x; echo x >/var/other/x; cat /var/scratch/given/file");
            Assert.NotEqual(0, _test.Run(web.Info, TestStore.Command("/bin/bash", "-c", "printf '%0100000d' 0 >/var/scratch/large")).Status);
        }
        _test.AssertNothingLeft(record);
        Assert.Empty(Directory.GetFileSystemEntries($"{record.RootPath}/var/scratch"));
    }

    /// <summary>What is mounted beneath a source comes along, as read-only as the rest, and stays mounted on the host.</summary>
    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Jail)]
    public void What_is_mounted_beneath_comes_along_and_stays_on_the_host(CageIsolation isolation) => MountNamespace.Run(folder =>
    {
        // As on a host with systemd: everything is shared.
        MountNamespace.Mount(null, folder, null, MountNamespace.MS_SHARED);
        string shared = Directory.CreateDirectory($"{folder}/shared").FullName, below = Directory.CreateDirectory($"{shared}/below").FullName;
        MountNamespace.Mount("below", below, "tmpfs");
        File.WriteAllText($"{below}/file", "deep\n");
        using TestStore store = new(Directory.CreateDirectory($"{folder}/store").FullName);
        CageRecord record = NewCage(isolation, [$"{shared}:/shared:ro"], store: store);
        using (RunningCage web = store.Start(record))
        {
            Assert.Equal("deep", store.Sh(web.Info, "cat /shared/below/file; ! touch /shared/below/new 2>/dev/null"));
            store.Stop(record);
        }
        Assert.Contains(MountTable.Read().Beneath(shared), mount => mount.MountPoint == below);
        Assert.Equal("deep\n", File.ReadAllText($"{below}/file"));
        File.WriteAllText($"{below}/new", "");
        Mounts.Unmount(below);
    });

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Jail)]
    public void A_target_never_leads_out_of_the_root(CageIsolation isolation)
    {
        string shared = Shared();
        CageRecord record = NewCage(isolation, [$"{shared}:/way/out"]);
        // What root in the cage could have left behind.
        File.CreateSymbolicLink($"{record.RootPath}/way", "../../../../../../../../var/cage-test-outside");
        CageException refused = Assert.Throws<CageException>(() => _test.Engine.Start(record));
        Assert.Contains("EEXIST", refused.Message);
        Assert.Contains("leads nowhere", refused.Message);
        _test.AssertNothingLeft(record);
        Directory.CreateDirectory($"{record.RootPath}/var/cage-test-outside");
        using RunningCage web = _test.Start(record);
        Assert.Equal("text", _test.Sh(web.Info, "cat /var/cage-test-outside/out/file"));
        Assert.False(Directory.Exists("/var/cage-test-outside"));
    }

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void A_link_in_a_source_is_followed_when_it_is_given_and_never_at_a_start(CageIsolation isolation)
    {
        string shared = Shared(), link = $"{_test.Folder}/link";
        File.CreateSymbolicLink(link, shared);
        CageRecord record = NewCage(isolation, [$"{link}/file:/given"]);
        Assert.Equal($"{shared}/file", record.Binds[0].Source);
        Directory.Move(shared, $"{_test.Folder}/moved");
        File.CreateSymbolicLink(shared, "/etc");
        CageException refused = Assert.Throws<CageException>(() => _test.Engine.Start(record));
        Assert.Equal(CageError.CageMountFailed, refused.Error);
        Assert.Contains("ELOOP", refused.Message);
        _test.AssertNothingLeft(record);
        File.Delete(shared);
        Assert.Contains("ENOENT", Assert.Throws<CageException>(() => _test.Engine.Start(record)).Message);
        Directory.Move($"{_test.Folder}/moved", shared);
        using RunningCage web = _test.Start(record);
        Assert.Equal("text", _test.Sh(web.Info, "cat /given"));
        Assert.Equal(CageError.CageAlreadyRunning, Assert.Throws<CageException>(() => _test.Engine.Change(record, before => before with { Binds = [] })).Error);
    }

    [CageFact]
    public void A_folder_over_a_file_is_told_and_leaves_nothing()
    {
        CageRecord record = NewCage(CageIsolation.Jail, [$"{Shared()}:/etc/base"]);
        CageException refused = Assert.Throws<CageException>(() => _test.Engine.Start(record));
        Assert.Contains("EINVAL", refused.Message);
        Assert.Contains("a file over a file", refused.Message);
        _test.AssertNothingLeft(record);
    }

    [CageFact]
    public void A_cage_that_is_not_kept_has_them_too()
    {
        string shared = Shared();
        _test.NewBase(root.Path);
        using EphemeralCage run = _test.Engine.StartEphemeral(["base"], CageIsolation.Jail, record => record with { Binds = [CageBind.Parse($"{shared}:/given:ro")], Tmpfs = [new CageTmpfs("/scratch", null)] });
        _test.Ids.Add(run.Info.Id);
        Assert.Equal("text", _test.Sh(run.Info, "cat /given/file; touch /scratch/x; ! touch /given/x 2>/dev/null"));
    }

    [Theory]
    [InlineData("/a:/b", "/a:/b")]
    [InlineData("//a/b/://c//d/", "/a/b:/c/d")]
    [InlineData("/a:/b:dev,ro", "/a:/b:ro,dev")]
    [InlineData("/a:/b:noexec,suid", "/a:/b:noexec,suid")]
    [InlineData("/a\\:b\\\\:/c", "/a\\:b\\\\:/c")]
    [InlineData("/:/host:ro", "/:/host:ro")]
    public void A_bind_is_read_and_written(string text, string written)
    {
        Assert.Equal(written, CageBind.Parse(text).ToString());
        Assert.Equal(CageBind.Parse(text), CageBind.Parse(written));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/a")]
    [InlineData("/a:")]
    [InlineData("a:/b")]
    [InlineData("/a:b")]
    [InlineData("/a:/")]
    [InlineData("/a:/b/../c")]
    [InlineData("/a/../b:/c")]
    [InlineData("/a:/b:rx")]
    [InlineData("/a:/b:ro:x")]
    [InlineData("/a\n:/b")]
    public void What_is_no_bind_is_refused(string text) => Assert.Throws<FormatException>(() => CageBind.Parse(text));

    [Theory]
    [InlineData("/a", "/a")]
    [InlineData("/a/:65536", "/a:64K")]
    public void A_tmpfs_is_read_and_written(string text, string written) => Assert.Equal(written, CageTmpfs.Parse(text).ToString());

    [Theory]
    [InlineData("/")]
    [InlineData("a")]
    [InlineData("/a:0")]
    [InlineData("/a:x")]
    [InlineData("/a:1M:2")]
    public void What_is_no_tmpfs_is_refused(string text) => Assert.Throws<FormatException>(() => CageTmpfs.Parse(text));
}
