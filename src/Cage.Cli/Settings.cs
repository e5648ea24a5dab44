using Cage.Engine;
using Cage.Engine.Store;

namespace Cage.Cli;

/// <summary>The options by which new, set and run say what a cage may use and what of the host it sees.</summary>
internal static class Settings
{
    /// <summary>The options of <see cref="CageLimits.Keys"/>, in the same order.</summary>
    private static readonly string[] _limits = ["--memory", "--swap", "--cpu", "--cpu-weight", "--processes", "--io-weight"];

    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<string> Options = [.. _limits, "--bind", "--tmpfs", "--network", "--address", "--publish", "--allow-from", .. PrivilegeOptions.Names];

    /// <summary>Those that need no value.</summary>
    public static readonly IReadOnlyList<string> Optionals = ["--userns"];

    public const string Help = """
        SETTING is one of these; "none" takes it away:
          --memory BYTES, --swap BYTES   512M, 2G…; what needs more memory is killed
          --cpu NUMBER                   processors' worth of time: 0.5 is half of one
          --processes NUMBER             processes and threads, the init included
          --cpu-weight N, --io-weight N  the share where time is short: 1 to 10000, others have 100
          --bind SRC:DST[:OPTION,...]    a file, folder or socket of the host: ro, noexec, suid, dev, idmap; may be given again
          --tmpfs DST[:SIZE]             an empty folder in memory; may be given again
          --network host|none|private    private: an address of its own behind the host's; a jail only
          --address ADDRESS              of the private network; by default the first that is free
          --publish [ADDRESS:]PORT:PORT  a port of the host that leads to one of the private network, /udp behind it; may be given again
          --allow-from NAME|NETWORK      who may reach the private network directly; may be given again
          --device private|host|RULE     NAME[:hide,mode=,uid=,gid=], @LIST or log: what /dev has (docs/sharing.md); may be given again
        and of a jail (docs/security.md):
          --cap-add NAME, --cap-drop NAME                   capabilities of its root, ALL for every one; may be given again
          --seccomp default|off                             whether system calls are filtered
          --seccomp-allow CALL, --seccomp-deny CALL         exceptions from that; may be given again
          --setuid deny|allow, --sockets own|host           whether sudo and the like work; the host's abstract sockets
          --userns[=auto|none|FIRST[:COUNT]]                root inside is nobody outside: ids from 0 on are FIRST and those after it
        """;

    /// <summary>The first of these options that is given, without its dashes; null without any.</summary>
    public static string? Given(Arguments arguments) => Options.Concat(Optionals).FirstOrDefault(arguments.Has)?[2..];

    /// <summary>Finds what is wrong with them before anything is done.</summary>
    public static void Check(Arguments arguments)
    {
        Limits(arguments, CageLimits.None);
        Binds(arguments, []);
        Tmpfs(arguments, []);
        Network(arguments, CageNetwork.Host, name => name);
        PrivilegeOptions.Privileges(arguments, new CagePrivileges());
    }

    /// <summary><paramref name="before"/> with what is given.</summary>
    /// <param name="arguments">The options.</param>
    /// <param name="before">What holds without them.</param>
    /// <param name="find">Finds the id of a cage that a name means.</param>
    public static CageRecord Apply(Arguments arguments, CageRecord before, Func<string, string> find) => before with
    {
        Network = Network(arguments, before.Network, find),
        Limits = Limits(arguments, before.Limits),
        Binds = Binds(arguments, before.Binds),
        Tmpfs = Tmpfs(arguments, before.Tmpfs),
        Device = PrivilegeOptions.Devices(arguments, before.Device, before.Devices).View,
        Devices = PrivilegeOptions.Devices(arguments, before.Device, before.Devices).Given,
        Privileges = PrivilegeOptions.Privileges(arguments, before.Privileges),
    };

    public static CageNetwork Network(Arguments arguments, CageNetwork before, Func<string, string> find)
    {
        NetworkMode mode = (NetworkMode)arguments.Word("--network", Words.Networks, (int)before.Mode);
        // Whoever leaves the private network leaves what goes with it, unless that is asked for, which is then refused.
        if (mode != before.Mode) before = CageNetwork.Host;
        return before with
        {
            Mode = mode,
            Address = arguments.Value("--address") is not string address ? before.Address : address == "none" ? null : address,
            Ports = List(arguments, "--publish", before.Ports, PublishedPort.Parse),
            AllowedFrom = List(arguments, "--allow-from", before.AllowedFrom, text => CageNetwork.IsAddress(text) ? CageNetwork.ParseAllowed(text) : find(text)),
        };
    }

    public static IReadOnlyList<CageBind> Binds(Arguments arguments, IReadOnlyList<CageBind> before) => List(arguments, "--bind", before, text => CageBind.Parse(text, Environment.CurrentDirectory));

    public static IReadOnlyList<CageTmpfs> Tmpfs(Arguments arguments, IReadOnlyList<CageTmpfs> before) => List(arguments, "--tmpfs", before, CageTmpfs.Parse);

    /// <summary><paramref name="before"/> with what is given.</summary>
    public static CageLimits Limits(Arguments arguments, CageLimits before)
    {
        for (int i = 0; i < _limits.Length; i++)
        {
            if (arguments.Value(_limits[i]) is not string value) continue;
            try
            {
                before = before.With(CageLimits.Keys[i], value);
            }
            catch (FormatException e)
            {
                throw new UsageException($"{_limits[i]} cannot be \"{value}\": {e.Message}");
            }
        }
        return before;
    }

    private static IReadOnlyList<T> List<T>(Arguments arguments, string option, IReadOnlyList<T> before, Func<string, T> parse)
    {
        IReadOnlyList<string> given = arguments.All(option);
        if (given is ["none"]) return [];
        List<T> values = [];
        foreach (string value in given)
        {
            try
            {
                values.Add(parse(value));
            }
            catch (FormatException e)
            {
                throw new UsageException($"{option} cannot be \"{value}\": {e.Message}");
            }
        }
        return given.Count == 0 ? before : values;
    }
}
