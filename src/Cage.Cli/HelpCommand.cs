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
            case ["help" or "--help" or "-h"]:
                Console.Write(Overview());
                return 0;
            case ["help", _] or ["help", _, _] when Commands.Find(args.AsSpan(1)) is Command command:
                Console.WriteLine($"cage {command.Usage}\n\n{command.Summary}");
                return 0;
            default:
                Messages.Error($"there is no command \"{(args[0] == "help" ? args[1] : args[0])}\". cage help lists them.");
                return ExitStatus.Usage;
        }
    }

    private static string Overview()
    {
        string commands = string.Concat(Commands.All.Select(command => $"  {command.Name,-15} {command.Summary}\n"));
        return $"""
            usage: cage COMMAND [OPTION]... [NAME]... [-- COMMAND...]

            {commands}  help            say more about one command: cage help NAME

            A cage is meant by its name, its id, or the beginning of its id. Options stand anywhere before "--".
            Status: exec, enter and run end with the command's own, 125 when Cage failed, 126 when the command cannot be run,
            127 when it is not found, 128+n when signal n ended it; the others with 0, 1 (failed) or 2 (usage).
            CAGE_CONF names another configuration than /etc/opt/cage/cage.conf.

            """;
    }
}
