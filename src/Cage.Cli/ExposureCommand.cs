using Cage.Engine;
using Cage.Engine.Exposure;

namespace Cage.Cli;

/// <summary>cage exposure</summary>
internal static class ExposureCommand
{
    public static int Run(Arguments arguments)
    {
        CageEngine engine = Commands.OpenEngine();
        IReadOnlyList<CageExposure> found = engine.FindExposure(engine.Find(arguments.OneName()));
        Listing.Write(arguments, found, ["RISK", "KIND", "ITEM", "REASON", "CLOSED BY"], item => [$"{item.Risk}", item.Kind, item.Item, item.Reason, item.Remedy], (json, item) =>
        {
            json.WriteString("cage", item.Cage);
            json.WriteString("cageId", item.CageId);
            json.WriteString("risk", item.Risk.ToString());
            json.WriteString("kind", item.Kind);
            json.WriteString("item", item.Item);
            json.WriteString("reason", item.Reason);
            json.WriteString("remedy", item.Remedy);
        });
        return 0;
    }
}
