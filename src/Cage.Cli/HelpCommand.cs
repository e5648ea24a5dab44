namespace Cage.Cli;

/// <summary>cage help, cage --version, and what is said to a word that is no command.</summary>
internal static class HelpCommand
{
    public static int Answer(string[] args)
    {
        switch (args)
        {
            case []:
                Console.Error.Write(Overview());
                return ExitStatus.Usage;
            case ["--version"] or ["version"]:
                Console.WriteLine($"cage {typeof(HelpCommand).Assembly.GetName().Version?.ToString(3)}");
                return 0;
            case ["help" or "--help" or "-h"] or ["help", "help" or "--help" or "-h"]:
                Console.Write(Overview());
                return 0;
            case ["help", .. string[] topic] when Topic(topic) is { Length: > 0 } commands:
                return Tell(commands);
            case [string first, "--help" or "-h"] when Topic([first]) is { Length: > 0 } commands:
                return Tell(commands);
            case [string first, ..] when Topic([first]) is { Length: > 0 } commands:
                Messages.Error($"{first}: {(args.Length == 1 ? "which of its commands?" : $"there is no \"{args[1]}\" among its commands.")}");
                foreach (Command command in commands) Console.Error.WriteLine($"usage: cage {command.Usage}");
                return ExitStatus.Usage;
            default:
                Messages.Error($"there is no command \"{(args[0] == "help" ? args[1] : args[0])}\". cage help lists them.");
                return ExitStatus.Usage;
        }
    }

    /// <summary>Says more about each of the commands.</summary>
    public static int Tell(params Command[] commands)
    {
        Console.WriteLine(string.Join("\n\n", commands.Select(command => $"cage {command.Usage}\n\n{command.Summary}{(command.More.Length == 0 ? "" : $"\n\n{command.More}")}")));
        return 0;
    }

    /// <summary>The command of that name, or those whose first word it is.</summary>
    private static Command[] Topic(string[] words) =>
        Commands.Find(words) is Command command ? [command] : [.. Commands.All.Where(command => words.Length == 1 && command.Name.StartsWith(words[0] + " ", StringComparison.Ordinal))];

    private static string Overview()
    {
        string commands = string.Concat(Commands.All.Select(command => $"  {command.Name,-15} {command.Summary}\n"));
        return $"""
            usage: cage COMMAND [OPTION]... [NAME]... [-- COMMAND...]

            {commands}  help            say more about one command: cage help COMMAND, cage COMMAND --help

            A cage is meant by its name, its id, or the beginning of its id. Options stand anywhere before "--".
            Status: exec, enter and run end with the command's own, 125 when Cage failed, 126 when the command cannot be run,
            127 when it is not found, 128+n when signal n ended it; the others with 0, 1 (failed) or 2 (usage).
            CAGE_CONF names another configuration than /etc/opt/cage/cage.conf.

            """;
    }
}
