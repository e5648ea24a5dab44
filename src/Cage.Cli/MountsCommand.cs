using Cage.Engine;
using Cage.Engine.State;

namespace Cage.Cli;

/// <summary>cage mounts</summary>
internal static class MountsCommand
{
    public static int Run(Arguments arguments)
    {
        CageEngine engine = Commands.OpenEngine();
        bool broken = false;
        void Tell(CageException e)
        {
            broken = true;
            Messages.Error(e.Message);
        }
        CageInfo[] cages = arguments.Names.Count == 0 ? [.. engine.List(Tell)] : [engine.Find(arguments.OneName())];
        CageMount[] mounts = [.. cages.SelectMany(engine.GetMounts)];
        if (arguments.Has("--json"))
            Json.WriteArray(mounts, (json, mount) =>
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
        else
            Table.Write(
                ["CAGE", "TARGET", "TYPE", "SOURCE", "PROPAGATION", "OPTIONS"],
                mounts.Select(mount => new[] { mount.Cage, mount.Target, mount.Type, mount.Source, mount.Propagation, mount.Options }));
        return broken ? ExitStatus.Failed : 0;
    }
}
