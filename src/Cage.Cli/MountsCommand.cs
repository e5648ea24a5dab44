using Cage.Engine;
using Cage.Engine.State;

namespace Cage.Cli;

/// <summary>cage mounts</summary>
internal static class MountsCommand
{
    public static int Run(Arguments arguments)
    {
        CageEngine engine = Commands.OpenEngine();
        CageInfo[] cages = Listing.Cages(engine, arguments.Names.Count == 0 ? [] : [arguments.OneName()], out int status);
        CageMount[] mounts = [.. cages.SelectMany(engine.GetMounts)];
        Listing.Write(arguments, mounts, ["CAGE", "TARGET", "TYPE", "SOURCE", "PROPAGATION", "OPTIONS"], mount => [mount.Cage, mount.Target, mount.Type, mount.Source, mount.Propagation, mount.Options], (json, mount) =>
        {
            json.WriteString("cage", mount.Cage);
            json.WriteString("cageId", mount.CageId);
            json.WriteString("source", mount.Source);
            json.WriteString("target", mount.Target);
            json.WriteString("type", mount.Type);
            json.WriteString("options", mount.Options);
            json.WriteString("propagation", mount.Propagation);
            json.WriteTexts("layers", mount.Layers);
        });
        return status;
    }
}
