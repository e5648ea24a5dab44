using Cage.Engine;

namespace Cage.Cli;

/// <summary>cage copy, cage rename</summary>
internal static class CopyCommands
{
    public static int Copy(Arguments arguments)
    {
        (string name, string newName) = TwoNames(arguments);
        CageEngine engine = Commands.OpenEngine();
        Console.WriteLine(engine.Copy(engine.Store.Find(name), newName, renewIdentity: arguments.Has("--renew-identity"), cancellation: Interruption.Watch()).Id.ToString("D"));
        return 0;
    }

    public static int Rename(Arguments arguments)
    {
        (string name, string newName) = TwoNames(arguments);
        CageEngine engine = Commands.OpenEngine();
        engine.Change(engine.Store.Find(name), before => before with { Name = newName });
        return 0;
    }

    private static (string Name, string NewName) TwoNames(Arguments arguments)
    {
        IReadOnlyList<string> names = arguments.SomeNames();
        return names.Count == 2 ? (names[0], names[1]) : throw new UsageException(names.Count < 2 ? "what is its new name?" : $"two names are enough, not also \"{names[2]}\"");
    }
}
