using System.Globalization;
using Cage.Engine;
using Cage.Engine.Plans;
using Cage.Engine.State;

namespace Cage.Cli;

/// <summary>cage plan</summary>
internal static class PlanCommand
{
    public static int Run(Arguments arguments)
    {
        CageEngine engine = Commands.OpenEngine();
        CageInfo cage = engine.Find(arguments.OneName());
        Plan plan = cage.State == CageState.Stopped ? engine.PlanStart(cage.Record) : engine.PlanStop(cage.Record);
        Listing.Write(arguments, plan.Lines, ["", "SIDE", "TARGET", "ACTION"], line => [line.Order.ToString(CultureInfo.InvariantCulture), line.Side.ToString(), line.Target ?? "", line.Action], (json, line) =>
        {
            json.WriteNumber("order", line.Order);
            json.WriteString("side", line.Side.ToString());
            json.WriteString("action", line.Action);
            json.WriteString("target", line.Target);
            json.WriteString("undo", line.Undo);
        });
        return 0;
    }
}
