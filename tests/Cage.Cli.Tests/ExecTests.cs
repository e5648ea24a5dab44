using System.Security.Cryptography;

namespace Cage.Cli.Tests;

/// <summary>cage exec: the status, the streams, the user, the directory and the environment of a command.</summary>
public sealed class ExecTests : CageTest
{
    [RootFact]
    public void EveryStatusComesThrough()
    {
        Store.Running("jail");
        Outcome outcome = Store.Shell("for i in $(seq 0 255); do $CAGE exec web -- sh -c \"exit $i\" && s=0 || s=$?; [ $s = $i ] || echo $i became $s; done");
        Assert.Equal("", outcome.Ended(0).Output + outcome.Error);
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void FailuresHaveTheStatusesOfShells(string isolation)
    {
        Store.Running(isolation);
        Cage("exec", "web", "--", "true").Silently();
        Assert.Empty(Inside("exit 7").Ended(7).Error);
        Cage("exec", "web", "--", "no-such-command").Failed(127, "no-such-command", "ENOENT");
        Cage("exec", "web", "--", "/usr/bin/no/such").Failed(127, "/usr/bin/no/such");
        Cage("exec", "web", "--", "/etc/passwd").Failed(126, "/etc/passwd", "EACCES");
        Cage("exec", "web", "--", "/etc").Failed(126, "/etc", "EACCES");
        Inside("printf '#!/no/such/interpreter\\n' >/tmp/script; chmod +x /tmp/script").Silently();
        Cage("exec", "web", "--", "/tmp/script").Failed(127, "/tmp/script", "interpreter");
        Cage("exec", "-w", "/no/such", "web", "--", "true").Failed(125, "/no/such", "ENOENT");
        Cage("exec", "-u", "nobody-here", "web", "--", "true").Failed(125, "nobody-here", "passwd");
        Cage("exec", "-e", "NOTHING", "web", "--", "true").Failed(125, "NOTHING");
        Cage("exec", "elsewhere", "--", "true").Failed(125, "\"elsewhere\"");
        foreach (int signal in (int[])[1, 2, 3, 6, 9, 11, 15]) Assert.Equal(128 + signal, Inside($"kill -{signal} $$").Status);
        Cage("stop", "web").Ended(0);
        Cage("exec", "web", "--", "true").Failed(125, "does not run", "cage start web");
    }

    [RootFact]
    public void ArgumentsAreByteForByte()
    {
        Store.Running("jail");
        Assert.Equal([(byte)'a', 0xff, 0xc3, (byte)'|', 0xc3, 0xa9, (byte)'|', .. "\uFFFD"u8, (byte)'|'], Store.Bash("$CAGE exec web -- printf '%s|' $'a\\xff\\xc3' é $'\\uFFFD'").Ended(0).OutputBytes);
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void StreamsAreByteForByte(string isolation)
    {
        Store.Running(isolation);
        byte[] data = RandomNumberGenerator.GetBytes(10_000_000);
        Outcome outcome = Store.CageWith(data, "exec", "web", "--", "cat").Ended(0);
        Assert.True(data.AsSpan().SequenceEqual(outcome.OutputBytes), $"{outcome.OutputBytes.Length} bytes came back, and not the same");
        Assert.Empty(outcome.Error);
        outcome = Store.CageWith(data[..100_000], "exec", "web", "--", "sh", "-c", "cat >&2").Ended(0);
        Assert.True(data.AsSpan(0, 100_000).SequenceEqual(outcome.ErrorBytes));
        Assert.Empty(outcome.Output);
    }

    [RootFact]
    public void AClosedPipeEndsTheCommandByItsSignal()
    {
        Store.Running("jail");
        Assert.Equal("y\n141 0\n", Cage("exec", "web", "--", "bash", "-c", "yes | head -1; echo ${PIPESTATUS[*]}").Ended(0).Output);
        // And from outside: the reader of cage's own output goes away.
        Outcome outcome = Store.Bash("$CAGE exec web -- yes | head -1; echo ${PIPESTATUS[*]}");
        Assert.Equal("y\n141 0\n", outcome.Output);
    }

    [RootFact]
    public void ClosedStreamsAndFurtherDescriptorsDoNotGetIn()
    {
        Store.Running("jail");
        Outcome outcome = Store.Shell("exec 7</etc/shadow 8>$STORE/files/open; $CAGE exec web -- sh -c 'ls /proc/self/fd'");
        Assert.Equal(["0", "1", "2", "3"], outcome.Ended(0).Lines);
        Store.Shell("$CAGE exec web -- sh -c 'test -e /proc/self/fd/0 && echo out && echo err >&2' <&- >&- 2>&-").Silently();
        Assert.Equal("/dev/null\n", Store.Shell("$CAGE exec web -- readlink /proc/self/fd/0 <&-").Ended(0).Output);
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void TheEnvironmentIsOnlyWhatWasAskedFor(string isolation)
    {
        Store.Host();
        Store.New("web", "--base", "host", "--isolation", isolation, "--environment", "OWN=1 #2", "--environment", "BOTH=cage");
        Cage("start", "web").Silently();
        Store.Environment["SECRET"] = "host";
        Outcome outcome = Cage("exec", "-e", "BOTH=caller", "-e", "MORE=a=b c", "--environment=EMPTY=", "web", "--", "/usr/bin/env");
        Assert.Equal(
            [
                "BOTH=caller", "EMPTY=", "HOME=/root", "LANG=C.UTF-8", "MORE=a=b c", "OWN=1 #2",
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "SHELL=/bin/bash", "TERM=xterm", "USER=root",
            ],
            outcome.Ended(0).Lines.Order(StringComparer.Ordinal));
    }

    [RootFact]
    public void PathIsWhereCommandsAreLookedFor()
    {
        Store.Running("jail");
        Inside("mkdir -p /opt/own; printf '#!/bin/sh\\necho found $0\\n' >/opt/own/tool; chmod +x /opt/own/tool").Silently();
        Cage("exec", "web", "--", "tool").Failed(127);
        Assert.Equal("found /opt/own/tool\n", Cage("exec", "-e", "PATH=/opt/own:/bin", "web", "--", "tool").Ended(0).Output);
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void TheUserIsTheCagesOwn(string isolation)
    {
        Store.Running(isolation);
        Inside("""
            echo bird:x:4321:4322::/home/bird:/bin/sh >>/etc/passwd
            printf 'nest:x:4322:\nflock:x:4323:robin,bird\n' >>/etc/group
            mkdir -p /home/bird
            """).Silently();
        const string Who = "echo $(id -u) $(id -g) $(id -G) $HOME $USER $SHELL; pwd";
        Assert.Equal(["4321 4322 4322 4323 /home/bird bird /bin/sh", "/home/bird"], Cage("exec", "-u", "bird", "web", "--", "sh", "-c", Who).Ended(0).Lines);
        Assert.Equal("4321 4322 4322 4323 /home/bird bird /bin/sh", Cage("exec", "-u", "4321", "web", "--", "sh", "-c", Who).Ended(0).Lines[0]);
        Assert.Equal("4321 4323 4323 /home/bird bird /bin/sh", Cage("exec", "-u", "bird:flock", "web", "--", "sh", "-c", Who).Ended(0).Lines[0]);
        Assert.Equal(["77777 88888 88888 / 77777 /bin/sh", "/"], Cage("exec", "-u", "77777:88888", "web", "--", "sh", "-c", Who).Ended(0).Lines);
        Cage("exec", "-u", "bird:no-group", "web", "--", "true").Failed(125, "no-group");
        Assert.DoesNotContain("bird", File.ReadAllText("/etc/passwd"));
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void ADaemonThatHoldsTheOutputDoesNotHoldExec(string isolation)
    {
        string id = Store.Running(isolation);
        Child exec = StartInside("setsid sleep 4321 & sleep 4322 & echo started");
        Assert.Equal(0, exec.Exit());
        Assert.Equal("started\n", exec.OutputSoFar);
        // They go on, in the cage's group, and end with the cage.
        Assert.Equal(2, Store.ProcessesOf(id).Count(process => process.Contains(" sleep 432", StringComparison.Ordinal)));
        Assert.Equal("Running", Store.State("web"));
        Cage("stop", "web").Ended(0);
        Store.NothingIsLeftOf(id);
        exec.End();
    }

    [RootTheory]
    [MemberData(nameof(Isolations))]
    public void WhatTheCageSeesIsItsOwn(string isolation)
    {
        string id = Store.Running(isolation);
        Inside("echo bird >/song; rm /etc/hostname /etc/services; echo x >/tmp/t; echo x >/dev/shm/s").Ended(0);
        Assert.Equal("bird\n", File.ReadAllText($"{Store.RootPath("web")}/song"));
        Assert.False(File.Exists("/song") || File.Exists("/tmp/t") || File.Exists("/dev/shm/s"));
        Assert.True(File.Exists("/etc/services"));
        Cage("stop", "web").Ended(0);
        Cage("start", "web").Ended(0);
        Assert.Equal("bird\n", Cage("exec", "web", "--", "cat", "/song").Ended(0).Output);
        Assert.Equal("", Cage("exec", "web", "--", "ls", "/tmp").Ended(0).Output);
        if (isolation != "jail") return;
        Assert.Equal("web\n", Cage("exec", "web", "--", "uname", "-n").Ended(0).Output);
        Assert.Equal("1\n", Inside("ls -d /proc/1").Ended(0).Output.Replace("/proc/", ""));
        Assert.DoesNotContain($"/cage/{id}", Cage("exec", "web", "--", "cat", "/proc/self/cgroup").Ended(0).Output);
    }
}
