using System.Text.Json;
using Cage.Engine;
using Cage.Engine.Snapshots;
using Cage.Engine.Store;

namespace Cage.Cli;

/// <summary>cage snapshot new, list, remove</summary>
internal static class SnapshotCommands
{
    public static int New(Arguments arguments)
    {
        arguments.RefuseNames();
        int provider = arguments.Word("--provider", Words.Providers, -1);
        NewSnapshot request = new()
        {
            Source = arguments.Value("--source") ?? "/",
            Provider = provider < 0 ? null : (SnapshotProvider)provider,
            Note = arguments.Value("--note") ?? "",
            AsHost = arguments.Has("--as-host"),
            Nested = Decisions(arguments.All("--nested")),
            Exclude = arguments.All("--exclude"),
        };
        using ProgressLine line = new();
        Console.WriteLine(Commands.OpenEngine().TakeSnapshot(request, Messages.Warning, line.Show, Interruption.Watch()).Name);
        return 0;
    }

    public static int List(Arguments arguments)
    {
        arguments.RefuseNames();
        IReadOnlyList<CageSnapshot> snapshots = Commands.OpenEngine().Snapshots();
        Listing.Write(arguments, snapshots, ["NAME", "SOURCE", "PROVIDER", "HOST", "CAGE", "NOTE"], snapshot =>
            [snapshot.Name, snapshot.Source ?? "", $"{snapshot.Provider}", snapshot.IsHost ? "newest" : snapshot.OfHost ? "yes" : "", $"{snapshot.CageId}", snapshot.Note.Split('\n')[0]], WriteMembers);
        foreach (CageSnapshot left in snapshots.Where(snapshot => snapshot.IsUnfinished))
            Messages.Warning($"{left.Name} was not finished: its command was killed. cage snapshot remove {left.Name} clears it.");
        return 0;
    }

    public static int Remove(Arguments arguments)
    {
        IReadOnlyList<string> names = arguments.SomeNames("which snapshot?");
        CageEngine engine = Commands.OpenEngine();
        int status = 0;
        foreach (string name in names)
        {
            try
            {
                engine.RemoveSnapshot(engine.FindSnapshot(name), arguments.Has("--force"));
            }
            catch (CageException e)
            {
                Messages.Error(e.Message);
                status = ExitStatus.Failed;
            }
        }
        return status;
    }

    private static Dictionary<string, NestedDecision> Decisions(IReadOnlyList<string> texts)
    {
        Dictionary<string, NestedDecision> decisions = [];
        foreach (string text in texts)
        {
            var (path, decision) = Decision(text);
            if (!decisions.TryAdd(path.Length > 1 ? path.TrimEnd('/') : path, decision)) throw new UsageException($"--nested {path} is given twice");
        }
        return decisions;
    }

    private static (string Path, NestedDecision Decision) Decision(string text)
    {
        int equals = text.LastIndexOf('=');
        for (int i = 0; equals > 0 && i < Words.NestedDecisions.Count; i++)
            if (Words.NestedDecisions[i] == text[(equals + 1)..]) return (text[..equals], (NestedDecision)i);
        throw new UsageException($"--nested takes PATH=snapshot, PATH=skip or PATH=empty, not \"{text}\"");
    }

    private static void WriteMembers(Utf8JsonWriter json, CageSnapshot snapshot)
    {
        json.WriteString("name", snapshot.Name);
        json.WriteString("path", snapshot.Path);
        json.WriteString("note", snapshot.Note);
        json.WriteString("source", snapshot.Source);
        json.WriteString("provider", snapshot.Provider?.ToString());
        json.WriteBoolean("ofHost", snapshot.OfHost);
        json.WriteBoolean("isHost", snapshot.IsHost);
        json.WriteBoolean("isUnfinished", snapshot.IsUnfinished);
        json.WriteString("cageId", snapshot.CageId?.ToString("D"));
        json.WriteOptional("creationTime", snapshot.CreationTime);
    }
}
