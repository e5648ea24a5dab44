namespace Cage.Escape.Tests;

/// <summary>Attacks that need the caller's help: what it leaves open, its terminal, its keys, and files prepared before a start.</summary>
public sealed class StagedAttackTests(Scene scene) : IClassFixture<Scene>
{
    private const string Naive = "\"$HELPERS/naive\" \"$STORE/files/plain\"";

    /// <summary>Their rows in the table in docs/security.md.</summary>
    internal static string[] Rows { get; } =
    [
        "| descriptors and directory left open by the caller | holds | holds | holds | holds |",
        "| working directory by /proc/self/fd | holds | holds | holds | holds |",
        "| host's program overwritten by way of /proc/self/exe | holds | holds | holds | holds |",
        "| typing into the caller's terminal (TIOCSTI) | no | no | holds | holds |",
        "| signal to the process group of the caller | holds | holds | holds | holds |",
        "| keys of the caller and of the host's root | no | no | holds | holds |",
        "| mount target that is a link out, or becomes one | holds | holds | holds | holds |",
        "| fake /proc before the hidden files | – | no | holds | holds |",
        "| fake /dev/null and /dev/pts under the covers | – | no | holds | holds |",
        "| `..` and mounts that lead back to the old root | holds | holds | holds | holds |",
        "| another device than the one given | – | – | holds | holds |",
        "| ioctl on a device given, to get at a disk | no | no | holds | holds |",
        "| fork bomb, with `--processes` | holds | holds | holds | holds |",
        "| memory hog, with `--memory` | holds | holds | holds | holds |",
        "| /dev/shm filled, with `--memory` | holds | holds | holds | holds |",
    ];

    public static TheoryData<string> Isolations => ["chroot", "pivot", "jail", Scene.Users];

    [CageFact]
    public void DescriptorsLeftOpenLeadOutOfAPlainChroot()
    {
        Plain();
        Assert.Equal(0, OnHost($"exec 5</; exec {Naive} /attack/descriptors {Relative} {scene.Token}").Status);
    }

    [CageTheory]
    [MemberData(nameof(Isolations))]
    public void DescriptorsLeftOpenLeadNowhere(string isolation)
    {
        Held(OnHost($"cd /; exec 5</ 9<\"$STORE/files\"; \"$CAGE\" exec {isolation} -- /attack/descriptors {Relative} {scene.Token}"));
    }

    /// <summary>As its standard input and output, which it keeps.</summary>
    [CageTheory]
    [MemberData(nameof(Isolations))]
    public void AFolderIsNoStandardDescriptor(string isolation)
    {
        foreach (int number in (int[])[0, 1, 2])
            Assert.Equal((number, 125), (number, OnHost($"\"$CAGE\" exec {isolation} -- /attack/descriptors {Relative} {scene.Token} {number}</").Status));
    }

    /// <summary>CVE-2024-21626: the number of a descriptor that is open while the command is started.</summary>
    [CageTheory]
    [MemberData(nameof(Isolations))]
    public void NoDescriptorIsAWorkingDirectory(string isolation)
    {
        for (int number = 3; number < 24; number++)
        {
            Outcome outcome = OnHost($"exec 5</ 9</; \"$CAGE\" exec -w /proc/self/fd/{number} {isolation} -- /attack/descriptors {Relative} {scene.Token}");
            Assert.True(outcome.Status is 1 or 125, $"{number}: {outcome.Status} {outcome.Output}{outcome.Error}");
        }
    }

    [CageFact]
    public void AProgramThatStartsCommandsItselfCanBeOverwritten()
    {
        string root = Plain();
        Shell.Run("echo '#!/proc/self/exe' >\"$hook\"; chmod 755 \"$hook\"", ("hook", $"{root}/attack/hook"));
        string program = $"{scene.Helpers}/naive";
        Outcome outcome = scene.Store.PrivateShell(
            $"mkdir -p {root}/proc; mount -t proc proc {root}/proc; chroot {root} /attack/overwrite_exe $(stat -c '%d %i' {program}) & for i in 1 2 3; do {program} {root} /attack/hook || true; done; wait $!");
        Assert.Equal(0, outcome.Status);
    }

    /// <summary>CVE-2019-5736: an interpreter that is the program which starts the command.</summary>
    [CageTheory]
    [MemberData(nameof(Isolations))]
    public void TheHostsProgramIsNotToBeHad(string isolation)
    {
        scene.Store.Cage("exec", isolation, "--", "sh", "-c", "echo '#!/proc/self/exe help' >/attack/hook; chmod 755 /attack/hook").Ended(0);
        string identity = Shell.Run("stat -c '%d %i' \"$cage\"", ("cage", CageProgram.RequiredPath)).Trim();
        Child watcher = scene.Store.StartCage(["exec", isolation, "--", "/attack/overwrite_exe", .. identity.Split(' ')]);
        watcher.WaitFor("ready");
        for (int i = 0; i < 20; i++)
        {
            Outcome outcome = scene.Store.Cage("exec", isolation, "--", "/attack/hook");
            Assert.True(outcome.Status is 126 or 127 && !outcome.Error.Contains("no command", StringComparison.Ordinal), $"the host's program ran in it: {outcome.Output}{outcome.Error}");
        }
        Assert.Equal(1, watcher.Exit());
    }

    [ToolTheory("script")]
    [MemberData(nameof(Isolations))]
    public void TheCallersTerminalIsNotTypedInto(string isolation)
    {
        Outcome outcome = OnHost($"script -qec \"'$CAGE' exec {isolation} -- /attack/type_ahead\" /dev/null");
        Assert.Equal((isolation, isolation is "jail" or Scene.Users ? 1 : 0), (isolation, outcome.Status));
    }

    [CageFact]
    public void AProcessGroupReachesOutOfAPlainChroot()
    {
        Plain();
        Assert.Equal(0, InAGroup(Naive).Status);
    }

    [CageTheory]
    [MemberData(nameof(Isolations))]
    public void TheCallersProcessGroupIsNotSignalled(string isolation) => Held(InAGroup($"\"$CAGE\" exec {isolation} --"));

    [CageTheory]
    [MemberData(nameof(Isolations))]
    public void KeysOfTheHostStayThere(string isolation)
    {
        Outcome outcome = OnHost($"\"$HELPERS/add_key\" cage-{scene.Token} {scene.Token} \"$CAGE\" exec {isolation} -- /attack/keys cage-{scene.Token} {scene.Token}");
        Assert.Equal((isolation, isolation is "jail" or Scene.Users ? 1 : 0), (isolation, outcome.Status));
    }

    /// <summary>CVE-2021-30465: a link in the cage's files where something is mounted.</summary>
    [CageTheory]
    [MemberData(nameof(Isolations))]
    public void AMountTargetThatBecomesALinkLeadsNowhere(string isolation)
    {
        string outside = Directory.CreateDirectory($"{scene.Store.Files}/outside").FullName, id = scene.Stopped(isolation, "raced"), root = $"{scene.Store.Data}/{id}.w/root";
        string link = $"../../../../../../../../../../../..{outside}";
        // Shown to work: what follows paths is led out.
        Outcome naive = scene.Store.PrivateShell($"mkdir -p {root}/x; ln -s {link} {root}/x/tmp; mount -t tmpfs led-out {root}/x/tmp; grep -c led-out.{outside} /proc/self/mounts || grep -c ' {outside} ' /proc/self/mounts; rm {root}/x/tmp; rmdir {root}/x");
        Assert.Equal("1\n", naive.Ended(0).Output);
        using Child racer = scene.Store.StartShell($"cd {root}; ln -s {link} l; touch \"$STORE/files/racing\"; echo ready; while [ -e \"$STORE/files/racing\" ]; do mv -T tmp t && mv -T l tmp; mv -T tmp l; mv -T t tmp; done");
        racer.WaitFor("ready");
        for (int i = 0; i < 15; i++)
        {
            // It may fail: then it did not mount there either.
            Outcome start = scene.Store.Cage("start", id);
            Assert.True(start.Status is 0 or 1, start.Error);
            Assert.DoesNotContain(File.ReadLines("/proc/self/mountinfo"), line => line.Contains($" {outside} ", StringComparison.Ordinal));
            if (start.Status == 0)
            {
                string mounts = File.ReadAllText($"/proc/{(isolation == "chroot" ? "self" : scene.Store.InitOf(id))}/mountinfo");
                Assert.DoesNotContain(outside, mounts, StringComparison.Ordinal);
            }
            scene.Store.Cage("stop", "--force", id).Ended(0);
        }
        File.Delete($"{scene.Store.Files}/racing");
        racer.Exit();
        scene.Store.Cage("remove", "--force", id).Ended(0);
    }

    /// <summary>CVE-2025-31133 and its kin: what is covered must be the kernel's, wherever the cage's own files lead.</summary>
    [CageTheory]
    [InlineData("pivot", 0)]
    [InlineData("jail", 1)]
    [InlineData(Scene.Users, 1)]
    public void AFakeProcIsNotWhatIsCovered(string isolation, int status)
    {
        string id = scene.Stopped(isolation, "faked"), root = $"{scene.Store.Data}/{id}.w/root";
        scene.Arm(root);
        Shell.Run("cd \"$root\"; mkdir -p real fake/sys; echo fake >fake/timer_list; rmdir proc 2>/dev/null || true; ln -sT /real proc", ("root", root));
        scene.Store.Cage("start", id).Silently();
        Assert.Equal((isolation, status), (isolation, scene.Store.Cage("exec", id, "--", "/attack/masked", "timer_list").Status));
        scene.Store.Cage("remove", "--force", id).Ended(0);
    }

    [CageFact]
    public void WhatCoversByPathIsLedAstray()
    {
        string root = Plain();
        string Cover(string device) => $"cd {root}; mkdir -p proc dev/pts; mount -t proc proc proc; mount -t tmpfs tmpfs dev; mkdir dev/pts; mount -t devpts devpts dev/pts; {device}; mount --bind dev/null proc/timer_list; exec chroot . /attack/fake_cover /proc/timer_list";
        Assert.Equal(0, scene.Store.PrivateShell(Cover("ln -s /proc/sys/kernel/core_pattern dev/null")).Status);
        Held(scene.Store.PrivateShell(Cover("mknod dev/null c 1 3")));
    }

    /// <summary>CVE-2025-31133 and CVE-2025-52565: the device that covers, and the terminals, where the cage's own /dev leads elsewhere.</summary>
    [CageTheory]
    [InlineData("pivot", 0)]
    [InlineData("jail", 1)]
    [InlineData(Scene.Users, 1)]
    public void AFakeDevIsNotWhatCovers(string isolation, int status)
    {
        string id = scene.Stopped(isolation, "faked"), root = $"{scene.Store.Data}/{id}.w/root";
        scene.Arm(root);
        Shell.Run("cd \"$root\"; mkdir elsewhere; ln -s /proc/sys/kernel/core_pattern elsewhere/null; ln -s /attack elsewhere/pts; rmdir dev 2>/dev/null || true; ln -sT /elsewhere dev", ("root", root));
        scene.Store.Cage("start", id).Silently();
        Assert.Equal((isolation, status), (isolation, scene.Store.Cage("exec", id, "--", "/attack/fake_cover", "/proc/timer_list").Status));
        scene.Store.Cage("remove", "--force", id).Ended(0);
    }

    [CageFact]
    public void AnOldRootThatIsKeptLeadsOut()
    {
        string root = Plain();
        Outcome outcome = scene.Store.PrivateShell(
            $"mount --bind {root} {root}; cd {root}; mkdir -p old proc; mount -t proc proc proc; pivot_root . old; exec /attack/old_root {scene.Secret} {scene.Token}");
        Assert.Equal(0, outcome.Status);
    }

    [CageTheory]
    [MemberData(nameof(Isolations))]
    public void NothingLeadsBackToTheOldRoot(string isolation) => Held(scene.Store.Cage("exec", isolation, "--", "/attack/old_root", scene.Secret, scene.Token));

    [CageTheory]
    [InlineData("jail")]
    [InlineData(Scene.Users)]
    public void ADeviceGivenIsThatOneAndNoOther(string isolation)
    {
        string id = scene.Make("given", isolation, "--device loop-control");
        Assert.Equal(Shell.Run("stat -Lc '%t:%T %a %u:%g' /dev/loop-control"), scene.Store.Cage("exec", id, "--", "stat", "-c", "%t:%T %a %u:%g", "/dev/loop-control").Ended(0).Output);
        Held(scene.Run(id, AttackCatalogue.All.Single(attack => attack.Line.StartsWith("mknod_disk", StringComparison.Ordinal))));
        Assert.Equal("full loop-control null random tty urandom zero\n", scene.Store.Cage("exec", id, "--", "sh", "-c", "cd /dev; echo $(find . -type c -path './*' -not -path './pts/*' -o -type b | sort | cut -c3-)").Ended(0).Output);
        scene.Store.Cage("remove", "--force", id).Ended(0);
        scene.Store.New("odd", "--base", "host", "--device", "no-such-device");
        scene.Store.Cage("start", "odd").Failed(1, "/dev/no-such-device", "ENOENT");
        scene.Store.Cage("remove", "odd").Ended(0);
    }

    [CageTheory]
    [InlineData("chroot", "", 0)]
    [InlineData("pivot", "", 0)]
    [InlineData("jail", "--cap-add MKNOD", 0)]
    [InlineData("jail", "", 1)]
    [InlineData(Scene.Users, "--cap-add MKNOD", 1)]
    public void ADeviceGivenLeadsToNoOtherByItsIoctl(string isolation, string guardOff, int status)
    {
        string id = scene.Make("given", isolation, $"--device loop-control {guardOff}");
        Outcome outcome = scene.Store.Cage("exec", id, "--", "/attack/loop_device");
        scene.Store.Cage("remove", "--force", id).Ended(0);
        Assert.Equal((status, status == 1 ? "held: mknod: Operation not permitted\n" : ""), (outcome.Status, outcome.Output));
    }

    /// <summary>What uses up the host's memory and processes where nothing forbids it does so in no cage that has limits.</summary>
    [CageTheory]
    [MemberData(nameof(Isolations))]
    public void ACageWithLimitsUsesUpWhatItHasAndNoMore(string isolation)
    {
        string id = scene.Make("bounded", isolation, "--memory 48M --swap 0 --processes 40");
        try
        {
            foreach (string[] attack in (string[][])[["fork_bomb", "100"], ["memory_hog", "128"], ["fill_shared_memory", "128"]])
            {
                Assert.Equal(0, Attack(isolation, attack).Status);
                Outcome bounded = Attack(id, attack);
                // The kernel ends what needs more memory; fork says no.
                Assert.True(bounded.Status is 1 or 137, $"{string.Join(' ', attack)}: {bounded.Status} {bounded.Output}{bounded.Error}");
            }
        }
        finally
        {
            scene.Store.Cage("remove", "--force", id).Ended(0);
        }
        Outcome Attack(string cage, string[] words) => scene.Store.Cage(["exec", cage, "--", $"/attack/{words[0]}", words[1]]);
    }

    private string Relative => scene.Secret[1..];

    /// <summary>A directory with the attacks in it, and no guard.</summary>
    private string Plain()
    {
        string root = Directory.CreateDirectory($"{scene.Store.Files}/plain").FullName;
        scene.Arm(root);
        return root;
    }

    /// <summary>0 when the signal has reached who started it.</summary>
    private Outcome InAGroup(string start) => scene.Store.Start("setsid", "-w", "bash", "-c", $"HELPERS='{scene.Helpers}'; trap hit=1 USR1; ({start} /attack/signal_group) || [ $? = 138 ] || exit 3; [ -n \"$hit\" ] || exit 1").End();

    private Outcome OnHost(string script) => scene.Store.Shell($"HELPERS='{scene.Helpers}'; {script}");

    private static void Held(Outcome outcome) => Assert.True(outcome.Status == 1, $"{outcome.CommandLine}\n{outcome.Status}\n{outcome.Output}{outcome.Error}");
}
