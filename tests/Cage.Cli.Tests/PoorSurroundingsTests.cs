namespace Cage.Cli.Tests;

/// <summary>Callers that give little: no place to write to, no descriptors, no folder, no environment. What fails says so with its errno, and never by a crash.</summary>
public sealed class PoorSurroundingsTests : CageTest
{
    [Theory]
    [InlineData("list")]
    [InlineData("list --json")]
    [InlineData("help")]
    [InlineData("help new")]
    [InlineData("new web --read-only")]
    public void AFullStandardOutputIsAnError(string line) =>
        Store.Shell($"\"$CAGE\" {line} >/dev/full").Failed(1, "write standard output: ENOSPC");

    [Fact]
    public void AReaderThatHasSeenEnoughIsNone() =>
        // The writer waits until the reader is gone.
        Assert.Equal("0 0\n", Store.Bash("{ sleep 0.2; \"$CAGE\" help; } | true; echo ${PIPESTATUS[*]}").Ended(0).Output);

    [Fact]
    public void AFullStandardErrorLeavesTheStatus()
    {
        Assert.Equal(1, Store.Shell("\"$CAGE\" show nobody 2>/dev/full").Status);
        Assert.Equal(125, Store.Shell("\"$CAGE\" exec nobody 2>/dev/full -- true").Status);
    }

    [RootFact]
    public void ClosedStandardDescriptorsTakeNoFilesPlace()
    {
        Store.Stopped("jail");
        foreach (string line in (string[])["start web", "list", "exec web -- true", "stop web"])
            Assert.Empty(Store.Shell($"\"$CAGE\" {line} <&- >&- 2>&-").Ended(0).Output);
        Store.NothingRuns();
    }

    [RootFact]
    public void ACurrentFolderThatIsGoneMattersOnlyToRelativePaths()
    {
        Store.Running("jail");
        Outcome outcome = Store.Shell("""
            mkdir "$STORE/gone"; cd "$STORE/gone"; rmdir "$STORE/gone"
            "$CAGE" list | wc -l; "$CAGE" exec web -- pwd; "$CAGE" run --base host -- pwd
            "$CAGE" new more --read-only --source x || echo $?
            """).Ended(0);
        Assert.Equal(["3", "/root", "/root", "1"], outcome.Lines);
        Assert.Contains("x: the current folder, which it starts from, has been removed (ENOENT)", outcome.Error);
    }

    [RootFact]
    public void FewDescriptorsAreAnErrorThatLeavesNothing()
    {
        string id = Store.Stopped("jail");
        foreach (int limit in (int[])[7, 8, 12, 16, 20])
        {
            Outcome outcome = Store.Shell($"ulimit -n {limit}; \"$CAGE\" start web");
            if (outcome.Status == 0) Cage("stop", "web").Silently();
            else outcome.Failed(1, "EMFILE");
        }
        Cage("stop", "web").Silently();
        Store.NothingRuns(id);
        Cage("start", "web").Silently();
    }

    [RootFact]
    public void ALimitOfFileSizesIsAnErrorThatLeavesNothing()
    {
        string id = Store.Stopped("jail");
        Store.Shell("ulimit -f 0; \"$CAGE\" start web 2>&1 | cat >&2").Failed(0, "EFBIG");
        Store.Shell("ulimit -f 0; \"$CAGE\" new more --base host 2>&1 | cat >&2").Failed(0, "EFBIG");
        Assert.Equal(2, Directory.GetFileSystemEntries(Store.Data).Length);
        Store.NothingRuns(id);
        // What is run inside has the kernel's own way with that limit: SIGXFSZ.
        Cage("start", "web").Silently();
        Assert.Equal(153, Store.Shell("ulimit -f 200; \"$CAGE\" exec web -- head -c 1000000 /dev/zero >\"$STORE/files/x\"").Status);
    }

    [RootFact]
    public void ARootWithoutDevicesHasIdsToo()
    {
        string root = Directory.CreateDirectory($"{Store.Files}/root").FullName;
        Outcome outcome = Store.PrivateShell($"""
            cd {root}; mkdir proc; mount -t proc proc proc; cp "$CAGE" cage; printf 'data=/data\nrun=/run\n' >cage.conf
            export CAGE_CONF=/cage.conf
            chroot . /cage new x --read-only; chroot . /cage copy x y; chroot . /cage list | wc -l
            """).Ended(0);
        Assert.Equal(3, outcome.Lines.Length);
        Assert.Equal("3", outcome.Lines[2]);
        Assert.All(outcome.Lines[..2], id => Assert.Matches("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", id));
        Assert.NotEqual(outcome.Lines[0], outcome.Lines[1]);
    }

    [RootFact]
    public void WithoutProcItSaysSo()
    {
        Store.Stopped("jail");
        foreach (string line in (string[])["list", "start web", "stop web"])
            Store.PrivateShell($"mount -t tmpfs tmpfs /proc; \"$CAGE\" {line}").Failed(1, "There is no /proc here (ENOENT)", "mount -t proc proc /proc");
        Store.PrivateShell("mount -t tmpfs tmpfs /proc; \"$CAGE\" run --base host -- true").Failed(125, "There is no /proc here (ENOENT)");
        Store.PrivateShell("mount -t tmpfs tmpfs /proc; \"$CAGE\" help list").Ended(0);
    }

    [ToolFact("setpriv")]
    public void ARootThatLacksRightsIsToldWhich()
    {
        Store.Running("jail");
        Store.Stopped("pivot", "pivot");
        foreach (var (capability, line, status) in ((string, string, int)[])[("sys_admin", "start pivot", 1), ("mknod", "start pivot", 1), ("sys_admin", "exec web -- true", 125), ("sys_ptrace", "exec web -- true", 125), ("sys_admin", "run --base host -- true", 125)])
            Store.Shell($"setpriv --bounding-set=-{capability} \"$CAGE\" {line}").Failed(status, $"Root lacks CAP_{capability.ToUpperInvariant()} here");
        Cage("start", "pivot").Silently();
    }

    [RootFact]
    public void AChrootThatWasStartedInAnotherMountNamespaceIsNotStartedTwice()
    {
        string id = Store.Stopped("chroot");
        using Child other = Store.StartPrivateShell("\"$CAGE\" start web; echo ready; read line; \"$CAGE\" stop web; echo stopped");
        other.WaitFor("ready");
        Cage("start", "web").Failed(1, "\"web\" was started in another mount namespace, that of process", "EBUSY");
        other.Input.Write("\n"u8);
        other.Input.Flush();
        other.WaitFor("stopped");
        Cage("start", "web").Silently();
        Cage("stop", "web").Ended(0);
        Store.NothingRuns(id);
    }

    [RootTheory]
    [MemberData(nameof(NamespaceIsolations))]
    public void OneThatRunsInAnotherPidNamespaceIsNotStartedTwice(string isolation)
    {
        string id = Store.Running(isolation);
        Nested("start").Failed(1, "\"web\" runs in another pid namespace", "EBUSY");
        Nested("remove").Failed(1, "\"web\" runs");
        Cage("exec", "web", "--", "true").Silently();
        Cage("stop", "web").Silently();
        Store.NothingIsLeftOf(id);

        Outcome Nested(string command) => Store.Start("unshare", "-pf", "--mount-proc", "--kill-child", CageProgram.RequiredPath, command, "web").End();
    }

    [RootFact]
    public void AStopNamesWhoStillHasAChrootOfAnotherMountNamespace()
    {
        string id = Store.Stopped("chroot");
        using (Child other = Store.StartPrivateShell("\"$CAGE\" start web; echo ready; read line"))
        {
            other.WaitFor("ready");
            Cage("stop", "web").Ended(0).Said($"{Store.MountPoint(id)} is still mounted in the mount namespace of process");
        }
        Cage("start", "web").Silently();
    }

    [RootFact]
    public void WithoutAnEnvironmentItWorks()
    {
        Store.Running("jail");
        Outcome outcome = Store.Shell("env -i CAGE_CONF=\"$CAGE_CONF\" \"$CAGE\" exec web -- env | sort | grep -v ^SHELL=").Ended(0);
        Assert.Equal(["HOME=/root", "LANG=C.UTF-8", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=dumb", "USER=root"], outcome.Lines);
    }

    [RootFact]
    public void WhatIsPrintedOnATerminalCannotObeyAName()
    {
        Outcome outcome = Cage("new", "a\u001b[31mb").Failed(1, "a\\x1b[31mb");
        Assert.DoesNotContain('\u001b', outcome.Error);
    }

    [RootFact]
    public void OneThatIsNotFoundMayBeTheOneThatCannotBeRead()
    {
        string id = Store.Stopped("jail");
        File.AppendAllText($"{Store.Data}/{id}.w/cage.conf", "junk\n");
        Cage("start", "web").Failed(1, "There is no cage \"web\"", $"{id}.w/cage.conf, line ", "junk has no '='");
        Cage("list").Ended(1).Said($"{id}.w/cage.conf, line ");
        File.WriteAllLines($"{Store.Data}/{id}.w/cage.conf", File.ReadAllLines($"{Store.Data}/{id}.w/cage.conf")[..^1]);
        Cage("start", "web").Silently();
    }

    [RootFact]
    public void ACommandWithoutTheDashesIsToldOfThem()
    {
        Store.Stopped("jail");
        Cage("exec", "web", "sh", "-c", "true").Failed(125, "the command and its options follow --");
    }
}
