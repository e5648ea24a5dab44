using Cage.Engine;
using Cage.Engine.Store;

namespace Cage.Cli;

/// <summary>cage set</summary>
internal static class SetCommand
{
    private static readonly string[] _neverOfLayers = ["--environment", "--isolation"];

    public static int Run(Arguments arguments)
    {
        // Before anything is changed: what is wrong with the options is wrong for every cage.
        Settings.Check(arguments);
        arguments.Word("--isolation", Words.Isolations, 0);
        return StateCommands.ForEach(arguments, (engine, cage, cancellation) =>
        {
            if (cage.Kind == CageKind.ReadOnly && (_neverOfLayers.FirstOrDefault(arguments.Has)?[2..] ?? Settings.Given(arguments)) is string useless)
                throw new CageException(CageError.CageArgumentInvalid, $"\"{cage.Name}\" is read-only, is never started, and has no {useless}.", target: cage.Name);
            engine.Change(cage, before => Change(arguments, before, engine), cancellation);
        });
    }

    private static CageRecord Change(Arguments arguments, CageRecord before, CageEngine engine) => Settings.Apply(arguments, before, selector => engine.Store.Find(selector).Id.ToString("D")) with
    {
        Base = arguments.All("--base") switch { [] => before.Base, ["none"] => [], var given => Array.ConvertAll([.. given], engine.FindBase) },
        Isolation = (CageIsolation)arguments.Word("--isolation", Words.Isolations, (int)before.Isolation),
        Name = arguments.Value("--name") ?? before.Name,
        Memo = arguments.Value("--memo") ?? before.Memo,
        Environment = arguments.Has("--environment") ? arguments.All("--environment") : before.Environment,
    };
}
