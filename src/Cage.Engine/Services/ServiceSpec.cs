using Cage.Engine.Plans;

namespace Cage.Engine.Services;

/// <summary>When a service that has ended is started again.</summary>
public enum RestartPolicy
{
    /// <summary>Never.</summary>
    None,

    /// <summary>When its status was not 0.</summary>
    OnFailure,

    /// <summary>Always.</summary>
    Always,
}

/// <summary>How a service shows that it is up (systemd.service(5), Type=).</summary>
public enum ServiceKind
{
    /// <summary>Its command runs as long as it does.</summary>
    Simple,

    /// <summary>Its command ends once it has left a daemon behind, whose number is in the pid file.</summary>
    Forking,

    /// <summary>Its commands run one after the other, to their ends.</summary>
    OneShot,
}

/// <summary>One command of a service.</summary>
/// <param name="Words">The command and its arguments.</param>
/// <param name="MayFail">Whether another status than 0 is fine.</param>
public sealed record ServiceCommand(IReadOnlyList<string> Words, bool MayFail = false);

/// <summary>What is to run in the background of a cage.</summary>
public sealed record ServiceSpec
{
    /// <summary>Its name: of its log too.</summary>
    public required string Name { get; init; }

    /// <summary>How it shows that it is up.</summary>
    public ServiceKind Kind { get; init; }

    /// <summary>What is run first, each to its end, at every start.</summary>
    public IReadOnlyList<ServiceCommand> Before { get; init; } = [];

    /// <summary>The command; several where the kind is OneShot.</summary>
    public required IReadOnlyList<ServiceCommand> Commands { get; init; }

    /// <summary>When it is started again.</summary>
    public RestartPolicy Restart { get; init; }

    /// <summary>The file, inside, with the daemon's number; null where the kind is not Forking.</summary>
    public string? PidFile { get; init; }

    /// <summary>The user, as for any command; null for root.</summary>
    public string? User { get; init; }

    /// <summary>The working directory inside; null for the user's home.</summary>
    public string? Directory { get; init; }

    /// <summary>Variables besides the cage's own, NAME=value each.</summary>
    public IReadOnlyList<string> Environment { get; init; } = [];

    /// <summary>Says why a service cannot have a name; null when it can.</summary>
    public static string? NameProblem(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.Length is 0 or > 100 ? "it has 1 to 100 characters"
            : name[0] is '.' or '-' || name.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.' or '@'))
            ? "it is made of letters, digits, '-', '_', '@' and '.', and begins with none of the marks but '@' and '_'"
            : null;
    }

    internal void Write(WireWriter wire)
    {
        wire.Text(Name).Number((int)Kind).Number((int)Restart).Text(PidFile).Text(User).Text(Directory).Texts(Environment);
        foreach (IReadOnlyList<ServiceCommand> list in (IReadOnlyList<ServiceCommand>[])[Before, Commands])
        {
            wire.Number(list.Count);
            foreach (ServiceCommand command in list) wire.Texts(command.Words).Number(command.MayFail ? 1 : 0);
        }
    }

    internal static ServiceSpec Read(ref WireReader wire) => new()
    {
        Name = wire.Text(),
        Kind = (ServiceKind)wire.Number(),
        Restart = (RestartPolicy)wire.Number(),
        PidFile = wire.OptionalText(),
        User = wire.OptionalText(),
        Directory = wire.OptionalText(),
        Environment = wire.Texts(),
        Before = ReadCommands(ref wire),
        Commands = ReadCommands(ref wire),
    };

    private static ServiceCommand[] ReadCommands(ref WireReader wire)
    {
        ServiceCommand[] commands = new ServiceCommand[wire.Number()];
        for (int i = 0; i < commands.Length; i++) commands[i] = new ServiceCommand(wire.Texts(), wire.Number() == 1);
        return commands;
    }
}
