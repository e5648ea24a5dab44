using Cage.Engine;
using Cage.Engine.Runtime;
using Cage.Engine.Store;

namespace Cage.Cli;

/// <summary>The commands there are.</summary>
internal static class Commands
{
    public static IReadOnlyList<Command> All => [.. InOrder()];

    /// <summary>The command that a command line begins with; some have two words.</summary>
    public static Command? Find(ReadOnlySpan<string> words)
    {
        foreach (Command command in InOrder())
            if (words.Length >= command.Words && command.Name == (command.Words == 1 ? words[0] : $"{words[0]} {words[1]}")) return command;
        return null;
    }

    public static CageEngine OpenEngine() => new(StoreSettings.Load(), StageBinary.Self());

    /// <summary>Made one by one: a start needs none but its own.</summary>
    private static IEnumerable<Command> InOrder()
    {
        yield return new("new", "new NAME [--base NAME|ID]... [--isolation chroot|pivot|jail] [--environment K=V]... [--memo TEXT] [SETTING]... | new NAME --read-only [--source DIR] [--source-mode link|copy|move] [--base NAME|ID]... [--memo TEXT] | with either, in place of --source: [--command NAME|PATH]... [--file PATH]... [--pack NAME]... [--no-packs] [--keep-setuid]",
            "make a cage, print its id", NewCommand.Run)
        {
            Switches = ["--read-only", "--no-packs", "--keep-setuid"],
            Values = ["--base", "--isolation", "--environment", "--memo", "--source", "--source-mode", "--command", "--file", "--pack", .. Settings.Options],
            Optionals = Settings.Optionals,
            More = Settings.Help,
        };
        yield return new("set", "set NAME... [--name NEW] [--memo TEXT] [--base NAME|ID|none]... [--isolation chroot|pivot|jail] [--environment K=V]... [SETTING]...", "change cages, running ones too", SetCommand.Run)
        {
            Values = ["--name", "--memo", "--base", "--isolation", "--environment", .. Settings.Options],
            Optionals = Settings.Optionals,
            More = Settings.Help,
        };
        yield return new("list", "list [--json]", "list the cages", ListCommand.Run) { Switches = ["--json"] };
        yield return new("show", "show NAME [--json]", "show one cage", ListCommand.Show) { Switches = ["--json"] };
        yield return new("start", "start NAME... [--read-only]", "start cages", StateCommands.Start) { Switches = ["--read-only"] };
        yield return new("stop", "stop NAME... [--force] [--timeout SECONDS]", "stop cages", StateCommands.Stop) { Switches = ["--force"], Values = ["--timeout"] };
        yield return new("suspend", "suspend NAME...", "stop all processes of cages where they stand", StateCommands.Suspend);
        yield return new("resume", "resume NAME...", "let suspended cages go on", StateCommands.Resume);
        yield return new("exec", "exec [-u USER] [-g GROUP] [-w DIR] [-e K=V]... [-t] NAME -- COMMAND...", "run a command in a running cage", ExecCommand.Exec)
        {
            Switches = ["--terminal"],
            Values = ["--user", "--group", "--directory", "--environment"],
            RunsCommand = true,
        };
        yield return new("enter", "enter [-u USER] [-g GROUP] [-w DIR] [-e K=V]... NAME", "open a shell in a running cage", ExecCommand.Enter)
        {
            Values = ["--user", "--group", "--directory", "--environment"],
            RunsCommand = true,
        };
        yield return new("run", "run [--base NAME|ID]... [--isolation pivot|jail] [-u USER] [-g GROUP] [-w DIR] [-e K=V]... [-t] [SETTING]... -- COMMAND...", "run a command in a cage that is not kept", ExecCommand.RunOnce)
        {
            Switches = ["--terminal"],
            Values = ["--base", "--isolation", "--user", "--group", "--directory", "--environment", .. Settings.Options],
            Optionals = Settings.Optionals,
            More = Settings.Help,
            RunsCommand = true,
        };
        yield return new("plan", "plan NAME [--json]", "show what a start (or, of a running cage, a stop) would do", PlanCommand.Run) { Switches = ["--json"] };
        yield return new("mounts", "mounts [NAME] [--json]", "list the mounts of running cages", MountsCommand.Run) { Switches = ["--json"] };
        yield return new("measure", "measure [NAME]... [--json]", "show what cages use of processor, memory and disks", MeasureCommand.Run) { Switches = ["--json"] };
        yield return new("exposure", "exposure NAME [--json]", "show what of the host can be reached from inside a cage, the worst first", ExposureCommand.Run) { Switches = ["--json"] };
        yield return new("publish", "publish NAME...", "make writable cages read-only, to be bases", StateCommands.Publish);
        yield return new("snapshot new", "snapshot new [--source DIR] [--provider btrfs|reflink|copy|live] [--note TEXT] [--as-host] [--nested PATH=snapshot|skip|empty]... [--exclude PATTERN]...",
            "make a snapshot of the host (or DIR), print its name", SnapshotCommands.New)
        {
            Switches = ["--as-host"],
            Values = ["--source", "--provider", "--note", "--nested", "--exclude"],
        };
        yield return new("snapshot list", "snapshot list [--json]", "list the snapshots", SnapshotCommands.List) { Switches = ["--json"] };
        yield return new("snapshot remove", "snapshot remove NAME... [--force]", "remove snapshots", SnapshotCommands.Remove) { Switches = ["--force"] };
        yield return new("deps", "deps COMMAND|PATH... [--pack NAME]... [--no-packs] [--root DIR] [--json]", "list what commands need, and why, without running them", DepsCommand.Run)
        {
            Switches = ["--json", "--no-packs"],
            Values = ["--pack", "--root"],
        };
        yield return new("add", "add NAME [--command NAME|PATH]... [--file PATH]... [--pack NAME]... [--no-packs] [--keep-setuid] [--temporary] [--force]",
            "put commands and files of the host's into a cage, with all that they need", RootCommands.Add)
        {
            Switches = RootCommands.Switches,
            Values = RootCommands.Values,
        };
        yield return new("drop", "drop NAME [--command NAME|PATH]... [--file PATH]... [--pack NAME]... [--force]", "take out what was added, and what nothing else needs", RootCommands.Drop)
        {
            Switches = ["--force"],
            Values = RootCommands.Values,
        };
        yield return new("contents", "contents NAME [--json]", "list what was added to a cage", RootCommands.Contents) { Switches = ["--json"] };
        yield return new("accounts", "accounts NAME [--user NAME]... [--minimum-uid N] [--maximum-uid N] [--json]", "put accounts of the host's into a cage, without passwords", UpkeepCommands.Accounts)
        {
            Switches = ["--json"],
            Values = ["--user", "--minimum-uid", "--maximum-uid"],
        };
        yield return new("check", "check NAME... [--json]", "tell which settings are dangerous together, and what has drifted from the host, is missing, setuid, or has a password; status 1 if anything", UpkeepCommands.Check) { Switches = ["--json"] };
        yield return new("update", "update NAME... [--force]", "put in again what is another file on the host now", UpkeepCommands.Update) { Switches = ["--force"] };
        yield return new("clear", "clear NAME...", "take out what was added with --temporary", UpkeepCommands.Clear);
        yield return new("trace", "trace NAME [--fix] [-u USER] [--missing] [--json] -- COMMAND...", "run a command in a running cage and tell what it looked for, opened, executed and connected to; the status is the command's", TraceCommand.Run)
        {
            Switches = ["--fix", "--missing", "--json"],
            Values = ["--user"],
        };
        yield return new("shim", "shim NAME COMMAND... [--folder DIR] [--link PATH]... [--force]", "put wrappers on the host that run commands in a cage; links to its files", ShimCommands.Add)
        {
            Switches = ["--force"],
            Values = ["--folder", "--link"],
        };
        yield return new("shims", "shims NAME [--json]", "list the wrappers and links that lead into a cage", ShimCommands.List) { Switches = ["--json"] };
        yield return new("unshim", "unshim NAME [COMMAND|PATH]...", "take wrappers and links away again, all by default", ShimCommands.Remove);
        yield return new("packs", "packs [--json]", "list the packs of files that commands open at run time", PacksCommand.Run) { Switches = ["--json"] };
        yield return new("copy", "copy NAME NEWNAME [--renew-identity]", "copy a stopped cage, print the copy's id", CopyCommands.Copy) { Switches = ["--renew-identity"] };
        yield return new("rename", "rename NAME NEWNAME", "give a cage another name", CopyCommands.Rename);
        yield return new("wait", "wait NAME... [--until stopped|running] [--timeout SECONDS]", "wait until cages are stopped, or run", WatchCommands.Wait) { Values = ["--until", "--timeout"] };
        yield return new("log", "log NAME [--log SCRIPT|SERVICE] [--tail COUNT]", "show what scripts and services of a cage have printed", WatchCommands.Log) { Values = ["--log", "--tail"] };
        yield return new("spawn", "spawn [--service SERVICE] [--restart none|on-failure|always] [-u USER] [-w DIR] [-e K=V]... NAME -- COMMAND...", "run a command as a background service", ServiceCommands.Spawn)
        {
            Values = ["--service", "--restart", "--user", "--directory", "--environment"],
        };
        yield return new("services", "services [NAME] [--json]", "list the background services", ServiceCommands.List) { Switches = ["--json"] };
        yield return new("end", "end NAME --service SERVICE [--timeout SECONDS]", "end a background service", ServiceCommands.End) { Values = ["--service", "--timeout"] };
        yield return new("register", "register NAME", "have systemd start a cage when the host boots", ServiceCommands.Register);
        yield return new("unregister", "unregister NAME", "take that back", ServiceCommands.Unregister);
        yield return new("remove", "remove NAME... [--force]", "remove cages with all their files, each before its bases", StateCommands.Remove) { Switches = ["--force"] };
    }
}
