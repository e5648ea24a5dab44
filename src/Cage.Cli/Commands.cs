using Cage.Engine;
using Cage.Engine.Runtime;
using Cage.Engine.Store;

namespace Cage.Cli;

/// <summary>The commands there are.</summary>
internal static class Commands
{
    public static readonly IReadOnlyList<Command> All =
    [
        new("new", "new NAME [--base NAME|ID]... [--isolation chroot|pivot|jail] [--device private|host] [--environment K=V]... [--memo TEXT] [SETTING]... | new NAME --read-only [--source DIR] [--source-mode link|copy|move] [--base NAME|ID]... [--memo TEXT]",
            "make a cage, print its id", NewCommand.Run)
        {
            Switches = ["--read-only"],
            Values = ["--base", "--isolation", "--device", "--environment", "--memo", "--source", "--source-mode", .. Settings.Options],
            More = Settings.Help,
        },
        new("set", "set NAME... [--name NEW] [--memo TEXT] [--environment K=V]... [SETTING]...", "change cages, running ones too", SetCommand.Run)
        {
            Values = ["--name", "--memo", "--environment", .. Settings.Options],
            More = Settings.Help,
        },
        new("list", "list [--json]", "list the cages", ListCommand.Run) { Switches = ["--json"] },
        new("show", "show NAME [--json]", "show one cage", ListCommand.Show) { Switches = ["--json"] },
        new("start", "start NAME... [--read-only]", "start cages", StateCommands.Start) { Switches = ["--read-only"] },
        new("stop", "stop NAME... [--force] [--timeout SECONDS]", "stop cages", StateCommands.Stop) { Switches = ["--force"], Values = ["--timeout"] },
        new("suspend", "suspend NAME...", "stop all processes of cages where they stand", StateCommands.Suspend),
        new("resume", "resume NAME...", "let suspended cages go on", StateCommands.Resume),
        new("exec", "exec [-u USER] [-w DIR] [-e K=V]... [-t] NAME -- COMMAND...", "run a command in a running cage", ExecCommand.Exec)
        {
            Switches = ["--terminal"],
            Values = ["--user", "--directory", "--environment"],
            RunsCommand = true,
        },
        new("enter", "enter [-u USER] [-w DIR] [-e K=V]... NAME", "open a shell in a running cage", ExecCommand.Enter)
        {
            Values = ["--user", "--directory", "--environment"],
            RunsCommand = true,
        },
        new("run", "run [--base NAME|ID]... [--isolation pivot|jail] [-u USER] [-w DIR] [-e K=V]... [-t] [SETTING]... -- COMMAND...", "run a command in a cage that is not kept", ExecCommand.RunOnce)
        {
            Switches = ["--terminal"],
            Values = ["--base", "--isolation", "--user", "--directory", "--environment", .. Settings.Options],
            More = Settings.Help,
            RunsCommand = true,
        },
        new("plan", "plan NAME [--json]", "show what a start (or, of a running cage, a stop) would do", PlanCommand.Run) { Switches = ["--json"] },
        new("mounts", "mounts [NAME] [--json]", "list the mounts of running cages", MountsCommand.Run) { Switches = ["--json"] },
        new("measure", "measure [NAME]... [--json]", "show what cages use of processor, memory and disks", MeasureCommand.Run) { Switches = ["--json"] },
        new("publish", "publish NAME...", "make writable cages read-only, to be bases", StateCommands.Publish),
        new("snapshot new", "snapshot new [--source DIR] [--provider btrfs|reflink|copy|live] [--note TEXT] [--as-host] [--nested PATH=snapshot|skip|empty]... [--exclude PATTERN]...",
            "make a snapshot of the host (or DIR), print its name", SnapshotCommands.New)
        {
            Switches = ["--as-host"],
            Values = ["--source", "--provider", "--note", "--nested", "--exclude"],
        },
        new("snapshot list", "snapshot list [--json]", "list the snapshots", SnapshotCommands.List) { Switches = ["--json"] },
        new("snapshot remove", "snapshot remove NAME... [--force]", "remove snapshots", SnapshotCommands.Remove) { Switches = ["--force"] },
        new("remove", "remove NAME... [--force]", "remove cages with all their files", StateCommands.Remove) { Switches = ["--force"] },
    ];

    /// <summary>The command that a command line begins with; some have two words.</summary>
    public static Command? Find(ReadOnlySpan<string> words)
    {
        foreach (Command command in All)
            if (words.Length >= command.Words && command.Name == (command.Words == 1 ? words[0] : $"{words[0]} {words[1]}")) return command;
        return null;
    }

    public static CageEngine OpenEngine() => new(StoreSettings.Load(), StageBinary.Self());
}
