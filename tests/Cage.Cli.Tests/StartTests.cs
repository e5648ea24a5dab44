namespace Cage.Cli.Tests;

/// <summary>What a start refuses, what it leaves when it fails, and its script.</summary>
public sealed class StartTests : CageTest
{
    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void AMountPointMustBeAnEmptyPlainFolder(string isolation)
    {
        string id = Store.Stopped(isolation), mount = Store.MountPoint(id);
        void Refused(params string[] words)
        {
            Cage("start", "web").Failed(1, [mount, .. words]);
            Store.NothingRuns(id);
        }
        File.WriteAllText($"{mount}/file", "x");
        Refused("not empty", "ENOTEMPTY");
        File.Delete($"{mount}/file");
        Directory.Delete(mount);
        Refused("ENOENT", "mkdir");
        File.CreateSymbolicLink(mount, "/tmp");
        Refused("symbolic link", "ELOOP");
        File.Delete(mount);
        File.WriteAllText(mount, "x");
        Refused("ENOTDIR");
        File.Delete(mount);
        Directory.CreateDirectory(mount);
        Store.Shell($"mount -t tmpfs tmpfs {mount}");
        Cage("start", "web").Failed(1);
        Cage("stop", "web").Ended(0);
        Store.NothingIsLeftOf(id);
        Cage("start", "web").Silently();
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void AStartedCageIsNotStartedAgain(string isolation)
    {
        string id = Store.Running(isolation);
        Cage("start", "web").Failed(1, "\"web\"", "runs already");
        Assert.Equal("inside\n", Cage("exec", "web", "--", "echo", "inside").Ended(0).Output);
        Cage("remove", "web").Failed(1, "--force");
        Cage("remove", "--force", "web").Ended(0);
        Store.NothingIsLeftOf(id);
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void AnUpperOnOverlayfsIsRefusedWithAdvice(string isolation)
    {
        Outcome outcome = Store.PrivateShell($$"""
            cd $STORE/files; mkdir l u w o; mount -t overlay -o lowerdir=l,upperdir=u,workdir=w overlay o
            printf 'data=%s/o/data\nrun=%s/o/run\n' $PWD $PWD >conf; export CAGE_CONF=$PWD/conf
            $CAGE new host --read-only --source / >/dev/null
            id=$($CAGE new web --base host --isolation {{isolation}})
            $CAGE start web && echo started || echo "start: $?"
            grep -c $id /proc/self/mountinfo || true
            # What needs no upper there works.
            $CAGE run --base host -- echo run
            cd /; umount $STORE/files/o
            """);
        Assert.Equal(["start: 1", "0", "run"], outcome.Ended(0).Lines);
        outcome.Said("overlayfs", "EINVAL", "data=");
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void AWorkFolderOnAnotherFileSystemIsRefused(string isolation)
    {
        string id = Store.Stopped(isolation);
        Outcome outcome = Store.PrivateShell($"mount -t tmpfs tmpfs {Store.Data}/{id}.w/work; $CAGE start web; umount {Store.Data}/{id}.w/work");
        outcome.Failed(1, $"{Store.Data}/{id}.w/work", "EXDEV");
        Store.NothingIsLeftOf(id);
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void MissingFoldersOfTheCageAreTold(string isolation)
    {
        string id = Store.Stopped(isolation);
        Directory.Delete($"{Store.Data}/{id}.w/work");
        Cage("start", "web").Failed(1, $"{Store.Data}/{id}.w/work", "ENOENT");
        Directory.CreateDirectory($"{Store.Data}/{id}.w/work");
        Directory.Delete($"{Store.Data}/{id}.w/root", recursive: true);
        Cage("start", "web").Failed(1, $"{Store.Data}/{id}.w/root", "ENOENT");
        Store.NothingIsLeftOf(id);
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void TheStartScriptRunsInsideAndItsDaemonsGoOn(string isolation)
    {
        string id = Store.Stopped(isolation);
        Script(id, "start", "echo said; echo inside >/started; setsid sleep 4711 </dev/null &\n");
        Cage("start", "web").Silently();
        Assert.Equal("inside\n", File.ReadAllText($"{Store.RootPath("web")}/started"));
        Assert.False(File.Exists("/started"));
        Assert.Equal("said\n", File.ReadAllText($"{Store.Data}/{id}.w/start.log"));
        // The script does not wait until its daemon has begun.
        Wait.Until(() => Store.ProcessesOf(id).Any(process => process.Contains("sleep 4711", StringComparison.Ordinal)), () => $"the daemon is not among {string.Join('\n', Store.ProcessesOf(id))}");
        Cage("stop", "web").Ended(0);
        Store.NothingIsLeftOf(id);
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void AStartScriptThatFailsUndoesTheStart(string isolation)
    {
        string id = Store.Stopped(isolation);
        Script(id, "start", "setsid sleep 4712 & echo it went wrong >&2; exit 3\n");
        Cage("start", "web").Failed(1, "\"web\"", "3", "it went wrong", "start.log");
        Store.NothingIsLeftOf(id);
        Script(id, "start", "#!/no/such/interpreter\n");
        Cage("start", "web").Failed(1);
        Store.NothingIsLeftOf(id);
        File.Delete($"{Store.Data}/{id}.w/start");
        Cage("start", "web").Failed(1, $"{Store.Data}/{id}.w/start", "ENOENT");
        Store.NothingIsLeftOf(id);
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void AStartScriptThatHangsCanBeInterrupted(string isolation)
    {
        string id = Store.Stopped(isolation);
        Script(id, "start", "trap '' TERM INT; echo ready; sleep 4713\n");
        Child start = Store.StartCage("start", "web");
        string log = $"{Store.Data}/{id}.w/start.log";
        Wait.Until(() => File.Exists(log) && File.ReadAllText(log) == "ready\n", () => "the script did not start");
        start.Signal(Child.SIGINT);
        start.End().Failed(130, "interrupted");
        Store.NothingIsLeftOf(id);
    }

    [RootTheory]
    [MemberData(nameof(NamespaceIsolations))]
    public void AnInitThatWasKilledIsNoObstacle(string isolation)
    {
        string id = Store.Running(isolation);
        Child exec = StartInside("echo ready; exec sleep 4714");
        exec.WaitFor("ready");
        Child.Signal(Store.InitOf("web"), Child.SIGKILL);
        Wait.Until(() => Store.State("web") == "Stopped", () => "the init lives on");
        // Never two overlays on one upper: what still runs on the old one is in the way, or is gone.
        Outcome start = Cage("start", "web");
        if (start.Status == 0) Assert.DoesNotContain(Store.ProcessesOf(id), process => process.Contains("sleep 4714", StringComparison.Ordinal));
        else start.Failed(1, "stop");
        Cage("stop", "web").Ended(0);
        Store.NothingIsLeftOf(id);
        Cage("start", "web").Silently();
    }

    private void Script(string id, string key, string text)
    {
        string folder = $"{Store.Data}/{id}.w", conf = File.ReadAllText($"{folder}/cage.conf");
        File.WriteAllText($"{folder}/{key}", text);
        File.WriteAllText($"{folder}/cage.conf", conf.Replace($"\n{key}=\n", $"\n{key}={key}\n"));
    }
}
