using Cage.Engine.Roots;

namespace Cage.Cli;

/// <summary>cage packs</summary>
internal static class PacksCommand
{
    public static int Run(Arguments arguments)
    {
        arguments.RefuseNames();
        IReadOnlyCollection<Pack> packs = Commands.OpenEngine().Packs.All;
        Listing.Write(arguments, packs, ["NAME", "SUMMARY", "SOURCE"], pack => [pack.Name, pack.Summary, pack.Source ?? ""], (json, pack) =>
        {
            json.WriteString("name", pack.Name);
            json.WriteString("summary", pack.Summary);
            json.WriteTexts("imports", pack.Imports);
            json.WriteTexts("uses", pack.Uses);
            json.WriteTexts("commands", pack.Commands);
            json.WriteTexts("files", pack.Files);
            json.WriteString("source", pack.Source);
        });
        return 0;
    }
}
