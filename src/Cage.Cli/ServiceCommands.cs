using System.Globalization;
using Cage.Engine;
using Cage.Engine.Services;
using Cage.Engine.State;

namespace Cage.Cli;

/// <summary>cage spawn, cage services, cage end, cage register, cage unregister</summary>
internal static class ServiceCommands
{
    private static readonly string[] _policies = ["none", "on-failure", "always"];

    public static int Spawn(Arguments arguments)
    {
        if (arguments.Names.Count != 1) throw new UsageException("which cage?");
        if (arguments.Rest is not { Count: > 0 } command) throw new UsageException("which command? It follows --");
        string name = arguments.Value("--service") ?? command[0][(command[0].LastIndexOf('/') + 1)..];
        ServiceSpec service = new()
        {
            Name = name,
            Commands = [new ServiceCommand(command)],
            Restart = (RestartPolicy)arguments.Word("--restart", _policies, (int)RestartPolicy.None),
            User = arguments.Value("--user"),
            Directory = arguments.Value("--directory"),
            Environment = arguments.All("--environment"),
        };
        CageEngine engine = Commands.OpenEngine();
        engine.StartService(engine.Find(arguments.Names[0]), service);
        return 0;
    }

    public static int List(Arguments arguments)
    {
        CageEngine engine = Commands.OpenEngine();
        CageInfo[] cages = Listing.Cages(engine, arguments.Names.Count == 0 ? [] : [arguments.OneName()], out int status);
        CageService[] services = [.. cages.SelectMany(CageEngine.GetServices)];
        Listing.Write(arguments, services, ["CAGE", "SERVICE", "STATE", "PID", "LOG"], service => [service.Cage, service.Name, $"{service.State}", service.ProcessId?.ToString(CultureInfo.InvariantCulture) ?? "", service.LogPath], (json, service) =>
        {
            json.WriteString("cage", service.Cage);
            json.WriteString("cageId", service.CageId);
            json.WriteString("name", service.Name);
            json.WriteString("state", service.State.ToString());
            json.WriteOptional("processId", service.ProcessId);
            json.WriteOptional("supervisorId", service.SupervisorId);
            json.WriteOptional("startTime", service.StartTime);
            json.WriteString("logPath", service.LogPath);
        });
        return status;
    }

    public static int End(Arguments arguments)
    {
        string name = arguments.OneName(), wanted = arguments.Value("--service") ?? throw new UsageException("which service? --service NAME");
        TimeSpan patience = StateCommands.Seconds(arguments.Value("--timeout") ?? "10");
        CageInfo cage = Commands.OpenEngine().Find(name);
        CageService service = CageEngine.GetServices(cage).FirstOrDefault(candidate => candidate.Name == wanted) ??
            throw new CageException(CageError.CageNotFound, $"\"{cage.Name}\" has no service \"{wanted}\".", "cage services lists them.", wanted);
        CageEngine.StopService(cage, service, patience);
        return 0;
    }

    public static int Register(Arguments arguments)
    {
        string name = arguments.OneName();
        CageEngine engine = Commands.OpenEngine();
        engine.Register(engine.Store.Find(name), Environment.ProcessPath!, Interruption.Watch());
        return 0;
    }

    public static int Unregister(Arguments arguments)
    {
        string name = arguments.OneName();
        CageEngine.Unregister(Commands.OpenEngine().Store.Find(name), Interruption.Watch());
        return 0;
    }
}
