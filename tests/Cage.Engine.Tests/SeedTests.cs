using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>Both ways compatible with the shell lines of [004], which are here as they stand there, but for where the global conf and the
/// snapshots are, and for the page's yen sign, which is a backslash.</summary>
public sealed class SeedTests : IClassFixture<SmallRoot>, IDisposable
{
    /// <summary>"The host's cage", "a new cage". The snapshot is a small directory in place of a btrfs snapshot of /.</summary>
    private const string Build =
        """
        tp=r
        id=00000000-0000-0000-0000-000000000000
        dt=$(sed -ne"s/[[:space:]]*#.*$//; s/^data=\(.*\)$/\1/p" $conf)
        mkdir -pv $dt/$id.$tp
        cd $dt/$id.$tp
        ss=$(ls -dt $snapshots/*.ss | head -n1)
        ln -sv $ss root
        cat - >cage.conf <<___
        uuid=$id
        name=host_$(basename $ss .ss)
        memo=a snapshot of the host, $(date --rfc-3339=seconds -r $ss)
        root=root
        ___

        bs=00000000-0000-0000-0000-000000000000
        tp=w
        id=$(uuidgen)
        dt=$(sed -ne"s/[[:space:]]*#.*$//; s/^data=\(.*\)$/\1/p" $conf)
        mkdir -pv $dt/$id.$tp
        cd $dt/$id.$tp
        cat - >cage.conf <<___
        uuid=$id
        name=the_cage
        memo=the cage, $(date --rfc-3339=seconds)
        base=$bs
        root=root
        work=work
        mountpoint=mnt
        start=
        stop=
        ___
        mkdir -pv $(sed -ne"s/[[:space:]]*#.*$//; s/^mountpoint=\(.*\)$/\1/p" cage.conf)
        mkdir -pv $(sed -ne"s/[[:space:]]*#.*$//; s/^work=\(.*\)$/\1/p" cage.conf)
        rt=$(sed -ne"s/[[:space:]]*#.*$//; s/^root=\(.*\)$/\1/p" cage.conf)
        mkdir -pv $rt
        cd $rt
        mkdir -v proc sys dev tmp
        echo made $id
        """;

    /// <summary>"To move it", up to chroot.</summary>
    private const string Start =
        """
        tp=w
        dt=$(sed -ne"s/[[:space:]]*#.*$//; s/^data=\(.*\)$/\1/p" $conf)
        cd $dt/$id.$tp
        rt=$(sed -ne"s/[[:space:]]*#.*$//; s/^root=\(.*\)$/\1/p" cage.conf)
        mp=$(sed -ne"s/[[:space:]]*#.*$//; s/^mountpoint=\(.*\)$/\1/p" cage.conf)
        wk=$(sed -ne"s/[[:space:]]*#.*$//; s/^work=\(.*\)$/\1/p" cage.conf)
        bs_tp=r
        bs_id=$(sed -ne"s/[[:space:]]*#.*$//; s/^base=\(.*\)$/\1/p" cage.conf)
        bs_rt=$(sed -ne"s/[[:space:]]*#.*$//; s/^root=\(.*\)$/\1/p" $dt/$bs_id.$bs_tp/cage.conf)
        mount -t overlay overlay -o lowerdir=$dt/$bs_id.$bs_tp/$bs_rt,upperdir=$rt,workdir=$wk $mp
        cd $mp
        mount -t proc proc proc
        mount -t sysfs sys sys
        mount -t devtmpfs dev dev
        mount -t tmpfs tmpfs dev/shm
        mount -t tmpfs tmpfs tmp
        """;

    /// <summary>"To stop it", but for fuser -km: on a mount point that is not mounted that would kill the host's processes.</summary>
    private const string Stop =
        """
        tp=w
        dt=$(sed -ne"s/[[:space:]]*#.*$//; s/^data=\(.*\)$/\1/p" $conf)
        mp=$(sed -ne"s/[[:space:]]*#.*$//; s/^mountpoint=\(.*\)$/\1/p" $dt/$id.$tp/cage.conf)
        cd $dt/$id.$tp/$mp
        umount tmp dev/shm
        umount -l dev sys proc
        cd ..
        umount $mp
        """;

    private readonly TestStore _test = new();
    private readonly SmallRoot _root;

    public SeedTests(SmallRoot root)
    {
        _root = root;
        File.WriteAllText($"{_test.Folder}/cage.conf", $"tool=/opt/cage # not used yet\ndata={_test.Settings.Data}\n");
    }

    public void Dispose() => _test.Dispose();

    private string Type(string lines, Guid id = default) =>
        Shell.Run(
            "uuidgen() { cat /proc/sys/kernel/random/uuid; }\n" + lines,
            ("conf", $"{_test.Folder}/cage.conf"), ("snapshots", $"{_test.Folder}/.snapshots"), ("id", $"{id:D}"));

    /// <summary>A store with the host's cage and a cage over it, typed by hand.</summary>
    private CageRecord TypeCage()
    {
        Shell.Run("mkdir \"$to\"; cp -a \"$from\" \"$to/20170616223103.ss\"", ("from", _root.Path), ("to", $"{_test.Folder}/.snapshots"));
        string said = Type(Build);
        return _test.Store.Get(Guid.Parse(said[(said.LastIndexOf("made ", StringComparison.Ordinal) + 5)..].Trim()))!;
    }

    [RootFact]
    public void A_cage_typed_by_hand_is_listed_started_entered_stopped_and_removed()
    {
        CageRecord record = TypeCage();
        CageInfo[] all = [.. _test.Engine.List(e => throw e)];
        Assert.Equal(["host_20170616223103", "the_cage"], all.Select(cage => cage.Name));
        Assert.Equal((CageRecord.Nil, CageKind.ReadOnly, false), (all[0].Id, all[0].Kind, all[0].IsLive));
        Assert.Equal((CageIsolation.Chroot, CageState.Stopped), (all[1].Isolation, all[1].State));
        Assert.StartsWith("the cage, ", all[1].Memo);

        string conf = File.ReadAllText(record.ConfPath);
        using (RunningCage cage = _test.Start(_test.Engine.Find("the_cage").Record))
        {
            Assert.Equal("small", _test.Sh(cage.Info, "cat /etc/base; echo written >/etc/new; ls /dev/null >/dev/null"));
            _test.Sh(cage.Info, "setsid sleep 1000 <>/dev/null >&0 2>&0 &");
            Assert.Empty(_test.Stop(record));
        }
        _test.AssertNothingLeft(record);
        Assert.Equal("written\n", File.ReadAllText($"{record.RootPath}/etc/new"));
        Assert.Equal(conf, File.ReadAllText(record.ConfPath));
        // And the lines still work on it.
        Type(Start + "\nchroot . /bin/cat /etc/new\n" + Stop, record.Id);

        _test.Engine.Remove(record);
        Assert.False(Directory.Exists(record.Path));
        Assert.True(File.Exists($"{_test.Folder}/.snapshots/20170616223103.ss/etc/base"));
        _test.Engine.Remove(all[0].Record);
        Assert.Empty(Directory.GetFileSystemEntries(_test.Settings.Data));
        Assert.True(File.Exists($"{_test.Folder}/.snapshots/20170616223103.ss/etc/base"));
    }

    [RootFact]
    public void The_lines_work_on_a_cage_made_here_which_is_seen_to_run_meanwhile()
    {
        CageRecord record = _test.NewCage(_root, CageIsolation.Chroot);
        Assert.Equal("small\n", Type(Start + "\nchroot . /bin/true; chroot . /bin/cat /etc/base", record.Id));
        CageInfo seen = _test.Look(record);
        Assert.Equal((CageState.Running, record.MountPath), (seen.State, seen.RootPath));
        Assert.Equal(["/", "/dev", "/dev/shm", "/proc", "/sys", "/tmp"], _test.Engine.GetMounts(seen).Select(mount => mount.Target));
        Assert.Equal("devtmpfs", _test.Engine.GetMounts(seen).Single(mount => mount.Target == "/dev").Type);
        Assert.Equal("small", _test.Sh(seen, "cat /etc/base"));
        Assert.Equal(CageError.CageAlreadyRunning, Assert.Throws<CageException>(() => _test.Engine.Start(record)).Error);
        Assert.Equal(CageError.CageAlreadyRunning, Assert.Throws<CageException>(() => _test.Engine.Remove(record)).Error);
        Type(Stop, record.Id);
        Assert.Equal(CageState.Stopped, _test.Look(record).State);
        Assert.False(_test.Engine.Stop(record));
        _test.AssertNothingLeft(record);
        Type("cd $(sed -ne\"s/[[:space:]]*#.*$//; s/^data=\\(.*\\)$/\\1/p\" $conf); rm -r $id.w", record.Id);
        Assert.Equal(["base"], _test.Store.ReadAll().Select(cage => cage.Name));
    }

    [RootFact]
    public void What_the_lines_have_started_is_stopped_here()
    {
        CageRecord record = TypeCage();
        string devices = Shell.Run("ls /dev; ls -d /dev/pts/ptmx");
        Type(Start + "\nchroot . /bin/sh -c 'setsid sleep 1000 <>/dev/null >&0 2>&0 &'", record.Id);
        TestStore.Wait(() => _test.Engine.GetProcesses(_test.Look(record)) is [{ Name: "sleep" }]);
        CageProcess sleeper = Assert.Single(_test.Engine.GetProcesses(_test.Look(record)));
        Assert.Equal("sleep 1000", sleeper.CommandLine);
        Assert.Empty(_test.Stop(record));
        _test.AssertNothingLeft(record);
        Assert.Equal(devices, Shell.Run("ls /dev; ls -d /dev/pts/ptmx"));
    }

    [RootFact]
    public void What_is_started_here_is_stopped_by_the_lines()
    {
        CageRecord record = TypeCage();
        using RunningCage cage = _test.Start(record);
        Type(Stop, record.Id);
        Assert.Equal(CageState.Stopped, _test.Look(record).State);
        Assert.Empty(_test.Mounted());
        _test.Stop(record);
        _test.AssertNothingLeft(record);
    }

    /// <summary>Half of the lines only: what they have mounted so far goes too.</summary>
    [RootFact]
    public void What_the_lines_have_half_started_is_stopped_here()
    {
        CageRecord record = TypeCage();
        Type(Start[..Start.IndexOf("mount -t devtmpfs", StringComparison.Ordinal)] + "mount -t tmpfs tmpfs tmp; mount -t tmpfs tmpfs tmp", record.Id);
        Assert.Equal(CageState.Running, _test.Look(record).State);
        Assert.Empty(_test.Stop(record));
        _test.AssertNothingLeft(record);
    }
}
