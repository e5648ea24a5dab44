using System.Runtime.InteropServices;
using System.Text;
using Cage.Engine.Runtime;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>Commands in a running cage. [001] [002] [004]</summary>
public sealed partial class CommandTests(SmallRoot root) : SmallRootTests(root)
{
    /// <summary>An init that has not pivoted yet has the host's root.</summary>
    [CageFact]
    public void Nothing_is_run_on_the_hosts_root_while_the_cage_is_being_started()
    {
        CageRecord record = _test.NewCage(Root, CageIsolation.Jail);
        using System.Diagnostics.Process early = Shell.Start("exec sleep 100");
        try
        {
            Directory.CreateDirectory(_test.Settings.Run);
            InitHint.Write(_test.Settings, record.Id, early.Id);
            CageInfo cage = _test.Look(record);
            Assert.Equal(CageState.Running, cage.State);
            CageException e = Assert.Throws<CageException>(() => _test.Run(cage, TestStore.Command("/bin/true")));
            Assert.Equal(CageError.CageNotRunning, e.Error);
            Assert.Contains("being started", e.Message);
        }
        finally
        {
            early.Kill();
            early.WaitForExit();
            File.Delete(InitHint.PathOf(_test.Settings, record.Id));
        }
    }

    private RunningCage Start(CageIsolation isolation, params string[] environment) =>
        _test.Start(_test.Create(new NewCage { Name = "web", Base = [_test.NewBase(Root.Path)], Isolation = isolation, Environment = environment }).Record);

    private CommandResult Run(RunningCage cage, string line, string? user = null, string? directory = null, params string[] environment) =>
        _test.Run(cage.Info, TestStore.Command("/bin/bash", "-c", line) with { User = user, Directory = directory, Environment = environment });

    private string Output(RunningCage cage, string line, string? user = null, string? directory = null, params string[] environment)
    {
        CommandResult result = Run(cage, line, user, directory, environment);
        Assert.True(result.Status == 0, $"{line}: {result}");
        return result.Output.TrimEnd('\n');
    }

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void Its_status_output_and_errors_are_its_own(CageIsolation isolation)
    {
        using RunningCage web = Start(isolation);
        Assert.Equal(new CommandResult(0, "out\n", "err\n"), Run(web, "echo out; echo err >&2"));
        foreach (int status in new[] { 1, 42, 125, 255 }) Assert.Equal(status, Run(web, $"exit {status}").Status);
        Assert.Equal(128 + 9, Run(web, "kill -KILL $$").Status);
        Assert.Equal(128 + 15, Run(web, "kill $$").Status);
        // Found in PATH, and words stay words.
        CommandResult words = _test.Run(web.Info, TestStore.Command("bash", "-c", "printf '<%s>' \"$0\" \"$@\"", "", "a b", "$x", "é\n"));
        Assert.Equal("<><a b><$x><é\n>", words.Output);
    }

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void Its_environment_is_what_the_rule_says_and_nothing_else(CageIsolation isolation)
    {
        using RunningCage web = Start(isolation, "A=cage", "B=cage", "TERM=vt52", "EMPTY=", "ODD=a # b\nc");
        string Inside(string? user = null, params string[] wishes) =>
            string.Join('|', _test.Run(web.Info, TestStore.Command("env", "-0") with { User = user, Environment = wishes }).Output.Split('\0', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
        string lang = Environment.GetEnvironmentVariable("LANG") is { Length: > 0 } set ? set : "C.UTF-8";
        const string Path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        Assert.Equal($"A=cage|B=cage|EMPTY=|HOME=/root|LANG={lang}|ODD=a # b\nc|{Path}|SHELL=/bin/bash|TERM=vt52|USER=root", Inside());
        Assert.Equal(
            $"A=wish|B=cage|C=1=2|EMPTY=|HOME=/home/alice|LANG=ja|ODD=a # b\nc|PATH=/bin|SHELL=/bin/bash|TERM=vt52|USER=alice",
            Inside("alice", "A=lost", "A=wish", "C=1=2", "LANG=ja", "PATH=/bin"));
        foreach (string wrong in new[] { "A", "=x", "", "A\0=x", "A=\0" })
            Assert.Equal(CageError.CageArgumentInvalid, Assert.Throws<CageException>(() => Inside(null, wrong)).Error);
    }

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Jail)]
    public void It_runs_as_the_user_that_is_named(CageIsolation isolation)
    {
        using RunningCage web = Start(isolation);
        string Identity(string? user) => Output(web, "echo $(id -u) $(id -g) $(id -G) $HOME $USER $SHELL", user);
        Assert.Equal("0 0 0 /root root /bin/bash", Identity(null));
        Assert.Equal("1000 1000 1000 29 100 /home/alice alice /bin/bash", Identity("alice"));
        Assert.Equal("1000 1000 1000 29 100 /home/alice alice /bin/bash", Identity("1000"));
        Assert.Equal("1000 50 50 /home/alice alice /bin/bash", Identity("alice:staff"));
        Assert.Equal("1000 77 77 /home/alice alice /bin/bash", Identity("alice:77"));
        Assert.Equal("1001 100 100 29 /home/none bob /bin/sh", Identity("bob"));
        Assert.Equal("4242 4242 4242 / 4242 /bin/sh", Identity("4242"));
        Assert.Equal("4242 29 29 / 4242 /bin/sh", Identity("4242:audio"));
        Assert.Equal("0 29 29 /root root /bin/bash", Identity("0:audio"));
        // Nothing of root's is left: real, effective and saved.
        Assert.Equal("Uid: 1000 1000 1000 1000 Gid: 1000 1000 1000 1000", Output(web, "while read key rest; do case $key in Uid:|Gid:) echo $key $rest; esac; done </proc/self/status | (read a; read b; echo $a $b)", "alice"));
        Assert.NotEqual(0, Run(web, "echo x >/etc/x", "alice").Status);
        Assert.Equal("CapEff: 0000000000000000", Output(web, "while read key rest; do [ $key != CapEff: ] || echo $key $rest; done </proc/self/status", "alice"));
        foreach (string wrong in new[] { "carol", "", ":", "alice:nobody", "alice:", "-1", "1.5", "4294967295", "4294967296", "alice:4294967295" })
        {
            CageException e = Assert.Throws<CageException>(() => Run(web, "echo", wrong));
            Assert.Equal((CageError.CageArgumentInvalid, wrong), (e.Error, wrong));
        }
        Assert.Equal("/bin/bash", _test.Engine.ShellOf(web.Info, "alice"));
        Assert.Equal("/bin/sh", _test.Engine.ShellOf(web.Info, "bob"));
    }

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Jail)]
    public void It_starts_in_the_folder_that_is_named_or_the_users_home(CageIsolation isolation)
    {
        using RunningCage web = Start(isolation);
        Assert.Equal("/root", Output(web, "pwd -P"));
        Assert.Equal("/home/alice", Output(web, "pwd -P", "alice"));
        Assert.Equal("/", Output(web, "pwd -P", "bob"));
        Assert.Equal("/etc", Output(web, "pwd -P", null, "/etc"));
        Assert.Equal("/usr/bin", Output(web, "pwd -P", null, "/bin"));
        Assert.Equal("/tmp", Output(web, "pwd -P", null, "tmp"));
        Assert.Equal("/", Output(web, "pwd -P", null, "/../../.."));
        foreach (string wrong in new[] { "/none", "/etc/passwd", "" })
        {
            CageException e = Assert.Throws<CageException>(() => Run(web, "pwd", null, wrong));
            Assert.Equal((CageError.CageArgumentInvalid, wrong), (e.Error, wrong));
        }
    }

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void What_cannot_be_run_is_told_apart_from_what_is_not_there(CageIsolation isolation)
    {
        using RunningCage web = Start(isolation);
        Output(web, "cd /etc; echo 'not a program' >text; chmod 755 text; printf '#!/none\\n' >script; chmod 755 script; echo >plain; printf '#!/bin/sh\\necho $0 $1\\n' >good; chmod 755 good; mkdir /usr/local /usr/local/bin; cp text /usr/local/bin/hidden; chmod 644 /usr/local/bin/hidden");
        (string Command, CageError Error, string What)[] cases =
        [
            ("nothing", CageError.CageCommandNotFound, "ENOENT"), ("/none", CageError.CageCommandNotFound, "ENOENT"), ("/etc/passwd/x", CageError.CageCommandNotFound, "ENOENT"),
            ("/etc/script", CageError.CageCommandNotFound, "interpreter"), ("etc/good", CageError.CageCommandNotFound, "ENOENT"), ("", CageError.CageCommandNotFound, "ENOENT"),
            ("/etc/plain", CageError.CageCommandFailed, "EACCES"), ("/etc", CageError.CageCommandFailed, "EACCES"), ("/etc/text", CageError.CageCommandFailed, "ENOEXEC"),
            ("hidden", CageError.CageCommandFailed, "EACCES"),
        ];
        foreach (var (command, error, what) in cases)
        {
            CageException e = Assert.Throws<CageException>(() => _test.Run(web.Info, TestStore.Command(command)));
            Assert.Equal((error, command), (e.Error, command));
            Assert.Contains(what, e.Message);
        }
        Assert.Equal("/etc/good x\n", _test.Run(web.Info, TestStore.Command("/etc/good", "x")).Output);
        Assert.Equal("./good x\n", _test.Run(web.Info, TestStore.Command("./good", "x") with { Directory = "/etc" }).Output);
        // What is forbidden in one folder of PATH does not hide what comes later.
        Output(web, "cp /etc/good /usr/bin/hidden");
        Assert.Equal("/usr/bin/hidden x\n", _test.Run(web.Info, TestStore.Command("hidden", "x")).Output);
        Assert.Equal(CageError.CageCommandNotFound, Assert.Throws<CageException>(() => _test.Run(web.Info, TestStore.Command("cat") with { Environment = ["PATH=/none"] })).Error);
        // Nothing is left of those.
        Assert.Equal(isolation == CageIsolation.Chroot ? 0 : 1, _test.Engine.GetProcesses(web.Info).Count);
    }

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void It_gets_its_three_descriptors_and_nothing_of_ours(CageIsolation isolation)
    {
        using RunningCage web = Start(isolation);
        // One that was left inheritable, and a working directory of ours.
        using Descriptor file = Files.Open("/etc/passwd", Files.O_RDONLY), leaked = new(dup(file.Number));
        CommandResult list = _test.Run(web.Info, TestStore.Command("ls", "/proc/self/fd"));
        // ls itself has the folder open as 3.
        Assert.Equal("0\n1\n2\n3\n", list.Output);
        // Signals are as at the start of the world: .NET ignores SIGPIPE, its runtime blocks some.
        string status = Output(web, "cat </proc/self/status");
        Assert.Contains("SigBlk:\t0000000000000000", status);
        Assert.Contains("SigIgn:\t0000000000000000", status);
    }

    [Fact]
    public void The_init_comes_first_and_then_the_oldest_whatever_their_numbers()
    {
        DateTimeOffset start = DateTimeOffset.UnixEpoch;
        CageProcess init = Process(9, start, isInit: true), second = Process(30, start, isInit: false), third = Process(4, start.AddSeconds(1), isInit: false), fourth = Process(5, start.AddSeconds(1), isInit: false);
        List<CageProcess> found = [third, fourth, init, second];
        found.Sort(CageProcess.ByAge);
        Assert.Equal([init, second, third, fourth], found);

        static CageProcess Process(int id, DateTimeOffset start, bool isInit) => new("web", Guid.Empty, id, id, 1, "sleep", "sleep 1", 0, start, isInit);
    }

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void It_is_born_in_the_cages_control_group(CageIsolation isolation)
    {
        using RunningCage web = Start(isolation);
        if (ControlGroup.Of(web.Info.Id) is not ControlGroup group) return;
        using Descriptor nothing = Files.Open("/dev/null", Files.O_RDWR);
        using SpawnedProcess sleeper = _test.Engine.Run(web.Info, TestStore.Command("sleep", "1000") with { Descriptors = [nothing, nothing, nothing], User = "alice" });
        try
        {
            Assert.Contains(sleeper.Id, group.Processes());
            CageProcess process = _test.Engine.GetProcesses(web.Info).Single(process => process.Id == sleeper.Id);
            Assert.Equal(("sleep 1000", "sleep", 1000u, false, Environment.ProcessId), (process.CommandLine, process.Name, process.UserId, process.IsInit, process.ParentId));
            Assert.Equal(isolation == CageIsolation.Jail, process.Id != process.InsideId);
            Assert.InRange(process.StartTime, DateTimeOffset.Now.AddMinutes(-1), DateTimeOffset.Now.AddSeconds(1));
        }
        finally
        {
            Processes.Signal(sleeper.Handle, Processes.SIGKILL);
            Assert.Equal(128 + 9, Processes.Wait(sleeper.Id).ExitStatus);
        }
        Assert.Contains(isolation == CageIsolation.Jail ? "0::/" : $"0::/cage/{web.Info.Id}", Output(web, "cat /proc/self/cgroup").Split('\n'));
    }

    /// <summary>The kernel writes a name as it is, between parentheses.</summary>
    [RootTheory]
    [InlineData("a) Z 1 (b")]
    [InlineData(") ) (")]
    [InlineData("日本")]
    [InlineData("new\nline", "new\\nline")]
    public void A_process_may_have_any_name(string name, string? shown = null)
    {
        using RunningCage web = Start(CageIsolation.Chroot);
        Output(web, "cp /bin/sleep \"/usr/bin/$NAME\"; setsid \"$NAME\" 1000 <>/dev/null >&0 2>&0 &", null, null, $"NAME={name}");
        CageProcess? process = null;
        TestStore.Wait(() => (process = _test.Engine.GetProcesses(web.Info).FirstOrDefault())?.Name == (shown ?? name));
        Assert.Equal((shown ?? name, $"{shown ?? name} 1000"), (process!.Name, process.CommandLine));
        _test.Stop(web.Info.Record);
        _test.AssertNothingLeft(web.Info.Record);
    }

    /// <summary>Who lists processes does so on a terminal.</summary>
    [CageFact]
    public void No_terminal_obeys_a_process()
    {
        using RunningCage web = Start(CageIsolation.Jail);
        Output(web, "name=$'\\e[31mred'; cp /bin/sleep \"/usr/bin/$name\"; setsid bash -c '\"$0\" 1000; :' \"$name\" $'\\e]0;it\\a' <>/dev/null >&0 2>&0 &");
        IReadOnlyList<CageProcess> processes = [];
        TestStore.Wait(() => (processes = _test.Engine.GetProcesses(web.Info)).Any(process => process.Name == "\\x1b[31mred"));
        Assert.Contains(processes, process => process.CommandLine == "\\x1b[31mred 1000");
        Assert.Contains(processes, process => process.CommandLine == "bash -c \"$0\" 1000; : \\x1b[31mred \\x1b]0;it\\x07");
    }

    [CageFact]
    public void A_process_with_a_huge_command_line_hides_no_other()
    {
        using RunningCage web = Start(CageIsolation.Jail);
        Output(web, "ulimit -s unlimited; printf -v word %0120000d 0; for i in {1..42}; do words+=($word); done; setsid bash -c 'sleep 1000; :' \"${words[@]}\" <>/dev/null >&0 2>&0 &");
        TestStore.Wait(() => _test.Engine.GetProcesses(web.Info).Any(process => process.Name == "sleep"));
        Assert.Equal(["bash -c sleep 1000; : 0000"], _test.Engine.GetProcesses(web.Info).Where(process => process.Name == "bash").Select(process => process.CommandLine[..26]));
    }

    [CageFact]
    public void It_ends_with_the_thread_that_started_it_when_asked_to()
    {
        using RunningCage web = Start(CageIsolation.Jail);
        using Descriptor nothing = Files.Open("/dev/null", Files.O_RDWR);
        SpawnedProcess? sleeper = null;
        Thread starter = new(() => sleeper = _test.Engine.Run(web.Info, TestStore.Command("sleep", "1000") with { Descriptors = [nothing, nothing, nothing], DeathSignal = Processes.SIGTERM }));
        starter.Start();
        starter.Join();
        using (sleeper) Assert.Equal(128 + 15, Processes.Wait(sleeper!.Id).ExitStatus);
    }

    [CageFact]
    public void It_has_a_terminal_of_the_cages_own_when_asked_to()
    {
        using RunningCage web = Start(CageIsolation.Jail);
        (Descriptor leader, Descriptor peer) = _test.Engine.OpenTerminal(web.Info);
        using (leader)
        {
            SpawnedProcess shell;
            using (peer)
                shell = _test.Engine.Run(web.Info, TestStore.Command("/bin/bash", "-c", "exec 2>&1; readlink /proc/self/fd/0; echo >/dev/tty; set -o monitor; read line; echo got $line") with { Descriptors = [peer, peer, peer], OwnTerminal = true });
            using (shell)
            {
                Files.Write(leader, "hello\n"u8);
                StringBuilder said = new();
                byte[] buffer = new byte[1000];
                try
                {
                    for (int count = 1; count > 0;) said.Append(Encoding.UTF8.GetString(buffer, 0, count = Files.Read(leader, buffer)));
                }
                catch (LinuxException e) when (e.Number == Errno.EIO)
                {
                    // Nobody has the other side open any more.
                }
                Assert.Equal(0, Processes.Wait(shell.Id).ExitStatus);
                Assert.Contains("/dev/pts/0", said.ToString());
                Assert.Contains("got hello", said.ToString());
                Assert.DoesNotContain("job control", said.ToString());
            }
        }
    }

    [CageFact]
    public void What_does_not_run_runs_no_commands()
    {
        CageRecord record = _test.NewCage(Root, CageIsolation.Jail);
        CageInfo layer = _test.Look(_test.Store.Get(record.Base[0])!);
        using RunningCage web = _test.Start(record);
        CageInfo before = web.Info;
        _test.Stop(record);
        // Stopped, stopped since it was looked at, and a read-only one, whose files are the host's own.
        foreach (CageInfo cage in new[] { _test.Look(record), before, layer })
        {
            Assert.Equal(CageError.CageNotRunning, Assert.Throws<CageException>(() => _test.Run(cage, TestStore.Command("/bin/touch", "/etc/touched"))).Error);
            Assert.Equal(CageError.CageNotRunning, Assert.Throws<CageException>(() => _test.Engine.OpenTerminal(cage)).Error);
            Assert.Equal(CageError.CageNotRunning, Assert.Throws<CageException>(() => _test.Engine.ShellOf(cage, null)).Error);
        }
        Assert.False(File.Exists($"{Root.Path}/etc/touched"));
    }

    [CageFact]
    public void Many_commands_at_once_mix_nothing_up()
    {
        using RunningCage jail = Start(CageIsolation.Jail), chroot = Start(CageIsolation.Chroot);
        List<string> wrong = [];
        Thread[] threads = [.. Enumerable.Range(0, 6).Select(number => new Thread(() =>
        {
            for (int i = 0; i < 15; i++)
            {
                CommandResult result = Run(number % 2 == 0 ? jail : chroot, $"echo {number} {i}; echo e{i} >&2; exit {i}", number % 3 == 0 ? "alice" : null);
                if (result != new CommandResult(i, $"{number} {i}\n", $"e{i}\n"))
                    lock (wrong) wrong.Add($"{number} {i}: {result}");
            }
        }))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        Assert.Empty(wrong);
    }

    /// <summary>Not close-on-exec, as none is that Cage opens.</summary>
    [LibraryImport("libc")]
    private static partial int dup(int file);
}
