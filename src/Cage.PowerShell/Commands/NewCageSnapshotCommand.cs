using System.Collections;
using System.Globalization;
using System.Management.Automation;
using Cage.Engine.Snapshots;
using Cage.Engine.Store;

namespace Cage.PowerShell.Commands;

/// <summary>New-CageSnapshot: makes a snapshot of the host, or of any directory, and the read-only cage that stands for it.</summary>
[Cmdlet(VerbsCommon.New, "CageSnapshot", SupportsShouldProcess = true)]
[OutputType(typeof(CageSnapshot))]
public sealed class NewCageSnapshotCommand : CageCmdlet
{
    /// <summary>The directory; the whole host by default.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [Alias("PSPath")]
    public string Source { get; set; } = "/";

    /// <summary>How; the best that the file system has by default.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public SnapshotProvider? Provider { get; set; }

    /// <summary>What is noted about it.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [AllowEmptyString]
    public string Note { get; set; } = "";

    /// <summary>Whether it stands for the host though it is made of another directory.</summary>
    [Parameter]
    public SwitchParameter AsHost { get; set; }

    /// <summary>What becomes of subvolumes and mounts below the source, by their paths: Snapshot, Skip or Empty, which is the default.</summary>
    [Parameter]
    public IDictionary? Nested { get; set; }

    /// <summary>Paths that Reflink and Copy leave out; * and ? stand for any characters.</summary>
    [Parameter]
    [SupportsWildcards]
    public string[] Exclude { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(Source, () =>
    {
        NewSnapshot request = new()
        {
            Source = GetUnresolvedProviderPathFromPSPath(Source),
            Provider = Provider,
            Note = Note,
            AsHost = AsHost,
            Nested = Decisions(),
            Exclude = Exclude,
        };
        if (!ShouldProcess($"{request.Source} to {Engine.Store.Settings.Snapshots}")) return;
        CageSnapshot snapshot = Work($"Making a snapshot of {request.Source}", work => Engine.TakeSnapshot(request, work.Warn, work.Show, work.Stop));
        WriteVerbose($"{snapshot.Path} is made of {snapshot.Source} by {snapshot.Provider}.");
        WriteObject(snapshot);
    });

    private Dictionary<string, NestedDecision> Decisions()
    {
        Dictionary<string, NestedDecision> decisions = [];
        if (Nested is null) return decisions;
        foreach (DictionaryEntry entry in Nested)
            decisions[GetUnresolvedProviderPathFromPSPath((string)LanguagePrimitives.ConvertTo(entry.Key, typeof(string), CultureInfo.InvariantCulture))] =
                (NestedDecision)LanguagePrimitives.ConvertTo(entry.Value, typeof(NestedDecision), CultureInfo.InvariantCulture);
        return decisions;
    }
}
