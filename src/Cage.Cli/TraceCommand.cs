using Cage.Engine;
using Cage.Engine.Roots;
using Cage.Engine.State;
using Cage.Interop;

namespace Cage.Cli;

/// <summary>cage trace. What the command prints goes to standard error: standard output has what it did. The status is the command's, as strace(1) has it.</summary>
internal static class TraceCommand
{
    public static int Run(Arguments arguments)
    {
        if (arguments.Rest is not { Count: > 0 } command) throw new UsageException("which command? It follows --");
        if (arguments.Names.Count != 1) throw new UsageException("which cage?");
        CageEngine engine = Commands.OpenEngine();
        CageInfo cage = engine.Find(arguments.Names[0]);
        using Descriptor input = Channels.Duplicate(0), error = Channels.Duplicate(2);
        Descriptor[] descriptors = [input, error, error];
        List<CageTrace> traces = [];
        CancellationToken cancellation = Interruption.Watch();
        try
        {
            if (arguments.Has("--fix")) return engine.Fix(cage, command, arguments.Value("--user"), descriptors, traces.Add, Messages.Warning, cancellation);
            var (found, status) = engine.Trace(cage, command, arguments.Value("--user"), descriptors, cancellation);
            traces.AddRange(found);
            return status;
        }
        finally
        {
            Show(arguments, traces);
        }
    }

    private static void Show(Arguments arguments, List<CageTrace> traces)
    {
        if (arguments.Has("--missing")) traces.RemoveAll(trace => !trace.Missing);
        Listing.Write(arguments, traces, ["CALL", "ERRNO", "MISSING", "PACKAGE", "PATH"], trace => [trace.Call, trace.Errno ?? "", trace.Missing ? "missing" : "", trace.Package ?? "", trace.Path], (json, trace) =>
        {
            json.WriteString("cage", trace.Cage);
            json.WriteString("cageId", trace.CageId);
            json.WriteString("path", trace.Path);
            json.WriteString("call", trace.Call);
            json.WriteString("errno", trace.Errno);
            json.WriteNumber("processId", trace.ProcessId);
            json.WriteString("process", trace.Process);
            json.WriteBoolean("onHost", trace.OnHost);
            json.WriteString("package", trace.Package);
            json.WriteBoolean("missing", trace.Missing);
        });
    }
}
