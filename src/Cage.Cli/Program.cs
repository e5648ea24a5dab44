using Cage.Cli;
using Cage.Engine;
using Cage.Interop;

return Run(Host.Arguments(args));

static int Run(string[] args)
{
    if (args.Length > 0 && args[0] == "init") return Cage.Engine.Runtime.CageInit.Run();
    if (args.Length > 0 && args[0] == "supervise") return Cage.Engine.Services.Supervisor.Run();
    if (args.Length > 2 && args[0] == Cage.Engine.Runtime.LogFollower.Word) return Cage.Engine.Runtime.LogFollower.Run(args[2]);
    Command? command = Commands.Find(args);
    int failed = command?.RunsCommand == true ? ExitStatus.CageFailed : ExitStatus.Failed;
    try
    {
        Channels.EnsureStandard();
        // What a command in a cage writes does not pass through here.
        if (command?.RunsCommand != true) StandardOutput.Use();
        if (command is null) return HelpCommand.Answer(args);
        Arguments arguments = Arguments.Parse(command, args.AsSpan(command.Words));
        return arguments.WantsHelp ? HelpCommand.Tell(command) : command.Run(arguments);
    }
    catch (UsageException e)
    {
        Messages.Usage(command!, e.Message);
        return command!.RunsCommand ? ExitStatus.CageFailed : ExitStatus.Usage;
    }
    catch (CageException e)
    {
        Messages.Error(e.Message);
        return command is null ? failed : ExitStatus.For(e, command);
    }
    catch (LinuxException e)
    {
        Messages.Error(e.Message);
        return failed;
    }
    catch (OperationCanceledException)
    {
        Messages.Error("interrupted.");
        return ExitStatus.Interrupted;
    }
    catch (Exception e)
    {
        // What .NET could not do for want of descriptors, memory or threads; or a mistake in Cage.
        Messages.Error(Messages.Explain(e));
        return failed;
    }
}
