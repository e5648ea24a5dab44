namespace Cage.Cli.Tests;

/// <summary>A store that is missing, read-only, full, or another user's.</summary>
public sealed class StoreTests : CageTest
{
    private const string As = "setpriv --reuid=65534 --regid=65534 --clear-groups";

    [RootFact]
    public void AMissingStoreIsEmptyAndMadePrivate()
    {
        File.WriteAllText(Store.Conf, $"data={Store.Files}/a/b/data\nrun={Store.Files}/a/b/run\n");
        Assert.Empty(Cage("list", "--json").Objects());
        Cage("show", "x").Failed(1, "\"x\"", $"{Store.Files}/a/b/data");
        Assert.False(Directory.Exists($"{Store.Files}/a"));
        string id = Store.New("x");
        Assert.Equal("700\n", Store.Shell($"stat -c %a {Store.Files}/a/b/data").Output);
        Cage("start", "x").Ended(0);
        Assert.True(File.Exists($"{Store.Files}/a/b/run/{id}"));
        Cage("stop", "x").Silently();
        Cage("remove", "x").Silently();
    }

    [RootFact]
    public void AStoreThatIsNoFolderIsTold()
    {
        File.WriteAllText(Store.Data, "x");
        foreach (string[] command in (string[][])[["list"], ["start", "x"], ["new", "x"], ["mounts"]]) Cage(command).Failed(1, Store.Data, "ENOTDIR");
        File.Delete(Store.Data);
    }

    [RootFact]
    public void AReadOnlyStoreCanBeLookedAt()
    {
        string web = Store.Stopped("jail"), seed = Store.Stopped("chroot", "seed");
        Outcome outcome = Store.PrivateShell("""
            mount --bind $STORE/data $STORE/data
            mount -o remount,ro,bind $STORE/data
            $CAGE list >/dev/null && $CAGE show web >/dev/null && $CAGE plan web >/dev/null && echo looked
            for c in "new x" "start web" "start seed" "remove web"; do $CAGE $c && echo "$c went on" || echo "$c: $?"; done
            $CAGE stop web && echo stopped
            """);
        Assert.Equal(["looked", "new x: 1", "start web: 1", "start seed: 1", "remove web: 1", "stopped"], outcome.Ended(0).Lines);
        Assert.Equal(4, outcome.Error.Split('\n').Count(line => line.StartsWith("cage: ", StringComparison.Ordinal) && line.Contains("read-only", StringComparison.OrdinalIgnoreCase)));
        Store.NothingIsLeftOf(web, seed);
        Cage("start", "web").Silently();
    }

    [ToolTheory("jq")]
    [InlineData("size=64k")]
    [InlineData("nr_inodes=12,size=1m")]
    public void AFullStoreIsToldAndNothingHalfIsLeft(string options)
    {
        // Filled up to its last byte, or its last inode.
        Outcome outcome = Store.PrivateShell($$"""
            mkdir $STORE/data; mount -t tmpfs -o {{options}} tmpfs $STORE/data
            $CAGE new first --read-only >/dev/null
            ls -A $STORE/data | wc -l
            i=0; while [ $i -lt 100 ] && head -c 4096 /dev/zero 2>/dev/null >$STORE/data/fill$i; do i=$((i+1)); done 2>/dev/null
            $CAGE new second --read-only && echo made || echo "new: $?"
            rm $STORE/data/fill*
            ls -A $STORE/data | wc -l
            $CAGE new second --read-only >/dev/null && $CAGE list --json | jq length
            umount $STORE/data
            """);
        Assert.Equal(["1", "new: 1", "1", "2"], outcome.Ended(0).Lines);
        outcome.Said("ENOSPC", "Free space");
    }

    [ToolTheory("jq")]
    [MemberData(nameof(Isolations))]
    public void AStartInAFullStoreLeavesTheHostAsItWas(string isolation)
    {
        // The base lacks the folders to mount on; making them in the upper takes inodes that are not there.
        Outcome outcome = Store.PrivateShell($$"""
            mkdir $STORE/data; mount -t tmpfs -o nr_inodes=60 tmpfs $STORE/data
            $CAGE new empty --read-only >/dev/null
            id=$($CAGE new web --base empty --isolation {{isolation}})
            rm -r $STORE/data/$id.w/root/*
            i=0; while touch $STORE/data/fill$i 2>/dev/null; do i=$((i+1)); done
            $CAGE start web && echo started || echo "start: $?"
            $CAGE show web --json | jq -r .[0].state
            grep -c $id /proc/self/mountinfo || true
            rm $STORE/data/fill*
            $CAGE start web && echo started
            $CAGE stop web && echo stopped
            $CAGE remove web
            umount $STORE/data
            echo $id
            """);
        Assert.Equal(["start: 1", "Stopped", "0", "started", "stopped"], outcome.Ended(0).Lines[..^1]);
        // Without room for its own folder in work, overlayfs falls back to reading only.
        outcome.Said("ENOSPC", "Free space");
        Store.NothingIsLeftOf(outcome.Lines[^1]);
    }

    [RootFact]
    public void SomebodyElseIsToldToBeRootAndChangesNothing()
    {
        string running = Store.Running("jail", "running"), stopped = Store.Stopped("pivot", "stopped"), chroot = Store.Running("chroot", "chroot");
        Store.Shell("chmod 755 $STORE/.. $STORE $STORE/data");
        // Where others cannot reach the command (below a home, say) they get a copy.
        Store.Shell($"{As} test -x $CAGE || install -m 755 $CAGE $STORE/files/cage");
        string before = Store.Shell("find $STORE/data $STORE/run -xdev -printf '%p %T@\n' | sort | md5sum").Output;
        foreach (string command in (string[])["new x", "new x --read-only --source /", "start stopped", "stop running", "stop --force chroot", "remove stopped", "remove --force running"])
        {
            Outcome outcome = Other(command).Failed(1);
            Assert.Matches("(?i)run it as root", outcome.Error);
        }
        foreach (string command in (string[])["exec running -- true", "exec chroot -- true", "run --base host -- true"])
        {
            Outcome outcome = Other(command).Failed(125);
            Assert.Matches("(?i)run it as root", outcome.Error);
        }
        Assert.Equal(before, Store.Shell("find $STORE/data $STORE/run -xdev -printf '%p %T@\n' | sort | md5sum").Output);
        // Looking is allowed to whom the folder is.
        Assert.Equal(4, Other("list --json").Objects().Length);
        Assert.Equal("Running", Other("show running --json").Objects()[0].Text("state"));
        Assert.Equal("Running", Other("show chroot --json").Objects()[0].Text("state"));
        Store.Shell("chmod 700 $STORE/data");
        Assert.Matches("(?i)run it as root", Other("list").Failed(1, Store.Data).Error);
        Cage("stop", "running", "chroot").Ended(0);
        Store.NothingIsLeftOf(running, stopped, chroot);
    }

    [RootFact]
    public void RemovingNeverCrossesAMount()
    {
        string web = Store.Stopped("jail");
        Outcome outcome = Store.PrivateShell($$"""
            mkdir -p $STORE/files/precious $STORE/data/{{web}}.w/root/a/b; echo x >$STORE/files/precious/file
            mount --bind $STORE/files/precious $STORE/data/{{web}}.w/root/a/b
            for c in "remove web" "remove --force web"; do $CAGE $c && echo removed || echo "remove: $?"; done
            ls $STORE/data/{{web}}.w/cage.conf >/dev/null && cat $STORE/files/precious/file
            umount $STORE/data/{{web}}.w/root/a/b
            """);
        Assert.Equal(["remove: 1", "remove: 1", "x"], outcome.Ended(0).Lines);
        outcome.Said("EBUSY", $"{web}.w/root/a/b");
        Cage("remove", "web").Silently();
        Assert.Equal("x\n", File.ReadAllText($"{Store.Files}/precious/file"));
    }

    [RootFact]
    public void RemovingFollowsNoLink()
    {
        string web = Store.Stopped("jail");
        string outside = $"{Store.Files}/outside";
        Directory.CreateDirectory(outside);
        File.WriteAllText($"{outside}/file", "x");
        File.CreateSymbolicLink($"{Store.Data}/{web}.w/root/link", outside);
        Store.New("source", "--read-only", "--source", outside);
        Cage("remove", "web", "source").Silently();
        Assert.Equal("x", File.ReadAllText($"{outside}/file"));
    }

    private Outcome Other(string command)
    {
        string copy = $"{Store.Files}/cage";
        return Store.Start("setpriv", [.. As.Split(' ')[1..], File.Exists(copy) ? copy : CageProgram.RequiredPath, .. command.Split(' ')]).End();
    }
}
