using System.Globalization;
using Cage.Engine;
using Cage.Engine.State;

namespace Cage.Cli;

/// <summary>cage measure</summary>
internal static class MeasureCommand
{
    private const string Units = " KMGT";

    public static int Run(Arguments arguments)
    {
        CageEngine engine = Commands.OpenEngine();
        CageInfo[] cages = Listing.Cages(engine, arguments.Names.Count == 0 ? [] : arguments.SomeNames(), out int status);
        CageUsage[] usages = [.. cages.Select(cage => engine.Measure(cage))];
        Listing.Write(arguments, usages, ["NAME", "STATE", "CPU", "MEMORY", "PROCESSES", "READ", "WRITTEN", "APPARENT", "ALLOCATED", "EXCLUSIVE"], usage =>
            [
                usage.Cage, $"{usage.State}", string.Create(CultureInfo.InvariantCulture, $"{usage.ProcessorTime.TotalSeconds:0.00}s"), Size(usage.Memory),
                usage.Processes.ToString(CultureInfo.InvariantCulture), Size(usage.BytesRead), Size(usage.BytesWritten), Size(usage.DiskApparent), Size(usage.DiskAllocated), Size(usage.DiskExclusive),
            ], (json, usage) =>
        {
            json.WriteString("cage", usage.Cage);
            json.WriteString("cageId", usage.CageId);
            json.WriteString("state", usage.State.ToString());
            json.WriteNumber("processorTime", usage.ProcessorTime.TotalSeconds);
            json.WriteString("processorTimeSource", usage.ProcessorTimeSource.ToString());
            json.WriteNumber("memory", usage.Memory);
            json.WriteString("memorySource", usage.MemorySource.ToString());
            json.WriteNumber("processes", usage.Processes);
            json.WriteNumber("bytesRead", usage.BytesRead);
            json.WriteNumber("bytesWritten", usage.BytesWritten);
            json.WriteString("ioSource", usage.IOSource.ToString());
            json.WriteNumber("diskApparent", usage.DiskApparent);
            json.WriteNumber("diskAllocated", usage.DiskAllocated);
            json.WriteNumber("diskExclusive", usage.DiskExclusive);
        });
        return status;
    }

    /// <summary>Three figures are enough for people.</summary>
    private static string Size(double bytes)
    {
        int unit = 0;
        while (bytes >= 1000 && unit + 1 < Units.Length) (bytes, unit) = (bytes / 1024, unit + 1);
        string number = bytes.ToString(unit == 0 || bytes >= 100 ? "0" : bytes >= 10 ? "0.0" : "0.00", CultureInfo.InvariantCulture);
        return unit == 0 ? number : number + Units[unit];
    }
}
