using Cage.Engine;
using Cage.Engine.Roots;
using Cage.Engine.Store;

namespace Cage.Cli;

/// <summary>cage shim, cage shims, cage unshim: ways into a cage from the host.</summary>
internal static class ShimCommands
{
    public const string Folder = "/usr/local/bin";

    public static int Add(Arguments arguments)
    {
        IReadOnlyList<string> names = arguments.SomeNames();
        IReadOnlyList<string> links = [.. arguments.All("--link").Select(AbsolutePath.Of)];
        if (names.Count == 1 && links.Count == 0) throw new UsageException("which command?");
        CageEngine engine = Commands.OpenEngine();
        IReadOnlyList<CageShim> made = engine.AddShims(
            engine.Store.Find(names[0]), [.. names.Skip(1)], links, AbsolutePath.Of(arguments.Value("--folder") ?? Folder), arguments.Has("--force"), Messages.Warning, Interruption.Watch());
        foreach (CageShim shim in made) Console.WriteLine(shim.Path);
        return 0;
    }

    public static int List(Arguments arguments)
    {
        CageEngine engine = Commands.OpenEngine();
        IReadOnlyList<CageShim> shims = engine.GetShims(engine.Store.Find(arguments.OneName()));
        Listing.Write(arguments, shims, ["PATH", "TARGET"], shim => [shim.Path, shim.IsLink ? $"-> {shim.Target}" : shim.Target], (json, shim) =>
        {
            json.WriteString("cage", shim.Cage);
            json.WriteString("cageId", shim.CageId);
            json.WriteString("path", shim.Path);
            json.WriteString("target", shim.Target);
            json.WriteBoolean("isLink", shim.IsLink);
        });
        return 0;
    }

    public static int Remove(Arguments arguments)
    {
        IReadOnlyList<string> names = arguments.SomeNames();
        CageEngine engine = Commands.OpenEngine();
        CageRecord cage = engine.Store.Find(names[0]);
        IReadOnlyList<CageShim> shims = engine.GetShims(cage);
        foreach (string name in names.Skip(1).Where(name => !shims.Any(shim => Fits(shim, name))))
            throw new CageException(CageError.CageCommandNotFound, $"There is no {name} that leads into \"{cage.Name}\".", $"cage shims {cage.Name} lists them.", name);
        engine.RemoveShims(cage, shim => names.Count == 1 || names.Skip(1).Any(name => Fits(shim, name)), Interruption.Watch());
        return 0;
    }

    private static bool Fits(CageShim shim, string name) => shim.Path == name || Path.GetFileName(shim.Path) == name;
}
