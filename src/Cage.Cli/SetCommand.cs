using Cage.Engine;
using Cage.Engine.Store;

namespace Cage.Cli;

/// <summary>cage set</summary>
internal static class SetCommand
{
    public static int Run(Arguments arguments)
    {
        // Before anything is changed: what is wrong with the options is wrong for every cage.
        Settings.Check(arguments);
        return StateCommands.ForEach(arguments, (engine, cage, cancellation) =>
        {
            if (cage.Kind == CageKind.ReadOnly && (arguments.Has("--environment") ? "environment" : Settings.Given(arguments)) is string useless)
                throw new CageException(CageError.CageArgumentInvalid, $"\"{cage.Name}\" is read-only, is never started, and has no {useless}.", target: cage.Name);
            engine.Change(cage, before => Change(arguments, before, selector => engine.Store.Find(selector).Id.ToString("D")), cancellation);
        });
    }

    private static CageRecord Change(Arguments arguments, CageRecord before, Func<string, string> find) => Settings.Apply(arguments, before, find) with
    {
        Name = arguments.Value("--name") ?? before.Name,
        Memo = arguments.Value("--memo") ?? before.Memo,
        Environment = arguments.Has("--environment") ? arguments.All("--environment") : before.Environment,
    };
}
