using Cage.Cli;
using Cage.Engine;
using Cage.Interop;

return Run(Host.Arguments(args));

static int Run(string[] args)
{
    if (args.Length > 0 && args[0] == "init") return Cage.Engine.Runtime.CageInit.Run();
    if (args.Length > 0 && args[0] == "supervise") return Cage.Engine.Services.Supervisor.Run();
    Channels.EnsureStandard();
    Command? command = Commands.Find(args);
    if (command is null) return HelpCommand.Answer(args);
    try
    {
        Arguments arguments = Arguments.Parse(command, args.AsSpan(command.Words));
        return arguments.WantsHelp ? HelpCommand.Tell(command) : command.Run(arguments);
    }
    catch (UsageException e)
    {
        Console.Error.WriteLine($"cage {command.Name}: {e.Message}");
        Console.Error.WriteLine($"usage: cage {command.Usage}");
        return command.RunsCommand ? ExitStatus.CageFailed : ExitStatus.Usage;
    }
    catch (CageException e)
    {
        Messages.Error(e.Message);
        return ExitStatus.For(e, command);
    }
    catch (LinuxException e)
    {
        Messages.Error(e.Message);
        return command.RunsCommand ? ExitStatus.CageFailed : ExitStatus.Failed;
    }
    catch (OperationCanceledException)
    {
        Messages.Error("interrupted.");
        return ExitStatus.Interrupted;
    }
}
