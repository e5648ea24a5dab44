using Cage.Engine;
using Cage.Engine.Roots;
using Cage.Engine.Store;

namespace Cage.Cli;

/// <summary>cage new</summary>
internal static class NewCommand
{
    private static readonly string[] _modes = ["link", "copy", "move"];

    public static int Run(Arguments arguments)
    {
        string name = arguments.OneName();
        bool readOnly = arguments.Has("--read-only");
        if (readOnly && (arguments.Has("--isolation") || arguments.Has("--environment")))
            throw new UsageException("a read-only cage is never started: it has no isolation or environment");
        if (readOnly && Settings.Given(arguments) is string useless) throw new UsageException($"a read-only cage is never started: it has no {useless}");
        if (!readOnly && (arguments.Has("--source") || arguments.Has("--source-mode"))) throw new UsageException("--source goes with --read-only");
        if (arguments.Has("--source-mode") && !arguments.Has("--source")) throw new UsageException("--source-mode goes with --source");
        RootRequest contents = RootCommands.Request(arguments);
        if (contents.IsEmpty && (arguments.Has("--no-packs") || arguments.Has("--keep-setuid"))) throw new UsageException("--no-packs and --keep-setuid go with --command, --file or --pack");
        if (!contents.IsEmpty && arguments.Has("--source")) throw new UsageException("a cage is made of --source, or of --command, --file and --pack, not of both");
        CageEngine engine = Commands.OpenEngine();
        var (view, given) = PrivilegeOptions.Devices(arguments, DeviceView.Private, []);
        NewCage request = new()
        {
            Name = name,
            Kind = readOnly ? CageKind.ReadOnly : CageKind.Writable,
            Memo = arguments.Value("--memo") ?? "",
            Base = Array.ConvertAll([.. arguments.All("--base")], engine.FindBase),
            Isolation = (CageIsolation)arguments.Word("--isolation", Words.Isolations, (int)CageIsolation.Jail),
            Device = view,
            Devices = given,
            Privileges = PrivilegeOptions.Privileges(arguments, new CagePrivileges()),
            Environment = arguments.All("--environment"),
            Limits = Settings.Limits(arguments, CageLimits.None),
            Binds = Settings.Binds(arguments, []),
            Tmpfs = Settings.Tmpfs(arguments, []),
            Network = Settings.Network(arguments, CageNetwork.Host, selector => engine.Store.Find(selector).Id.ToString("D")),
            Source = arguments.Value("--source"),
            SourceMode = (SourceMode)arguments.Word("--source-mode", _modes, (int)SourceMode.Link),
        };
        Console.WriteLine(engine.Create(request, contents, Messages.Warning, cancellation: contents.IsEmpty && request.SourceMode != SourceMode.Copy ? default : Interruption.Watch()).Id.ToString("D"));
        return 0;
    }
}
