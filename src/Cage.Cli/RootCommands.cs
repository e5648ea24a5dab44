using Cage.Engine;
using Cage.Engine.Roots;
using Cage.Engine.Store;

namespace Cage.Cli;

/// <summary>cage add, cage drop, cage contents, cage accounts: what is in a cage's root.</summary>
internal static class RootCommands
{
    /// <summary>The options that say what is to be put into a root.</summary>
    public static readonly string[] Switches = ["--no-packs", "--keep-setuid", "--temporary", "--force"], Values = ["--command", "--file", "--pack"];

    public static int Add(Arguments arguments)
    {
        string name = arguments.OneName();
        RootRequest request = Request(arguments);
        if (request.IsEmpty) throw new UsageException("add what? --command, --file or --pack says it");
        CageEngine engine = Commands.OpenEngine();
        engine.Add(engine.Store.Find(name), request, Messages.Warning, cancellation: Interruption.Watch());
        return 0;
    }

    public static int Drop(Arguments arguments)
    {
        string name = arguments.OneName();
        CageEngine engine = Commands.OpenEngine();
        CageRecord cage = engine.Store.Find(name);
        IReadOnlyList<CageContent> contents = engine.GetContents(cage);
        CageContent[] unwanted =
        [
            .. arguments.All("--command").SelectMany(word => Find(contents, cage, RootWishKind.Command, word)),
            .. arguments.All("--file").SelectMany(word => Find(contents, cage, RootWishKind.File, AbsolutePath.Of(word))),
            .. arguments.All("--pack").SelectMany(word => Find(contents, cage, RootWishKind.Pack, word)),
        ];
        if (unwanted.Length == 0) throw new UsageException("drop what? --command, --file or --pack says it");
        engine.RemoveContents(cage, unwanted, arguments.Has("--force"), Messages.Warning, Interruption.Watch());
        return 0;
    }

    public static int Contents(Arguments arguments)
    {
        CageEngine engine = Commands.OpenEngine();
        IReadOnlyList<CageContent> contents = engine.GetContents(engine.Store.Find(arguments.OneName()));
        Listing.Write(arguments, contents, ["KIND", "COMMAND", "PATH", ""], content => [content.Kind.Word(), content.Command, content.Path, content.IsTemporary ? "temporary" : ""], (json, content) =>
        {
            json.WriteString("cage", content.Cage);
            json.WriteString("cageId", content.CageId);
            json.WriteString("kind", content.Kind.Word());
            json.WriteString("command", content.Command);
            json.WriteString("path", content.Path);
            json.WriteBoolean("isTemporary", content.IsTemporary);
        });
        return 0;
    }

    /// <summary>What the options ask for.</summary>
    public static RootRequest Request(Arguments arguments) => new()
    {
        Commands = [.. arguments.All("--command").Select(command => command.Contains('/') ? AbsolutePath.Of(command) : command)],
        Files = [.. arguments.All("--file").Select(file => AbsolutePath.Of(file))],
        Packs = arguments.All("--pack"),
        ChoosesPacks = !arguments.Has("--no-packs"),
        KeepsSetuid = arguments.Has("--keep-setuid"),
        IsTemporary = arguments.Has("--temporary"),
        Force = arguments.Has("--force"),
    };

    private static CageContent[] Find(IReadOnlyList<CageContent> contents, CageRecord cage, RootWishKind kind, string word)
    {
        CageContent[] found = [.. contents.Where(content => content.Kind == kind && (content.Path == word || content.Command == word))];
        return found.Length > 0 ? found : throw new CageException(
            CageError.CageCommandNotFound, $"There is no {kind.Word()} {word} that was added to \"{cage.Name}\".", $"cage contents {cage.Name} lists them.", word);
    }
}
