using System.Management.Automation;
using Cage.Engine.Roots;
using Cage.Engine.State;

namespace Cage.PowerShell;

/// <summary>A cmdlet that puts things into cages. What comes through the pipeline is gathered, and put into each cage at once.</summary>
public abstract class CageAddCmdlet : CageTargetCmdlet
{
    private readonly Dictionary<Guid, (CageInfo Cage, List<string> What)> _wanted = [];

    private protected CageAddCmdlet()
    {
    }

    /// <summary>Packs, besides those that the programs among it choose.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(PackCompleter))]
    public string[] Pack { get; set; } = [];

    /// <summary>Leaves out the packs that the programs choose by what they import and are called.</summary>
    [Parameter]
    public SwitchParameter NoPack { get; set; }

    /// <summary>Keeps setuid and setgid bits, which are dropped otherwise.</summary>
    [Parameter]
    public SwitchParameter KeepSetuid { get; set; }

    /// <summary>Only for the making: Clear-Cage takes it out again.</summary>
    [Parameter]
    public SwitchParameter Temporary { get; set; }

    /// <summary>Replaces files that were put there by others.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Writes what was added.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <summary>What this record of the pipeline wants to be added.</summary>
    private protected abstract IEnumerable<string> Wanted { get; }

    /// <summary>What to ask of the engine for all of them.</summary>
    private protected abstract RootRequest Request(IReadOnlyList<string> wanted);

    private protected sealed override void Act(CageInfo cage)
    {
        if (!_wanted.TryGetValue(cage.Id, out var entry)) _wanted[cage.Id] = entry = (cage, []);
        entry.What.AddRange(Wanted.Where(what => !entry.What.Contains(what)));
    }

    /// <inheritdoc/>
    protected sealed override void EndProcessing()
    {
        foreach (var (cage, what) in _wanted.Values)
        {
            if (Stopping) throw new PipelineStoppedException();
            Try(cage, () => AddTo(cage, Request(what) with { ChoosesPacks = !NoPack, KeepsSetuid = KeepSetuid, IsTemporary = Temporary, Force = Force }));
        }
    }

    private void AddTo(CageInfo cage, RootRequest request)
    {
        if (request.IsEmpty) return;
        if (IsWhatIf)
        {
            foreach (CageDependency file in Work($"Planning for {cage.Name}", _ => Engine.PlanAdd(request))) ShouldProcess($"{cage.Name}: {file.Path}", $"add ({file.Reason}{(file.RequiredBy is null ? "" : $" for {file.RequiredBy}")})");
            return;
        }
        if (!ShouldProcess(Describe(cage))) return;
        HashSet<(RootWishKind, string)> known = [.. Engine.GetContents(cage.Record).Select(content => (content.Kind, content.Path))];
        Work($"Adding to {cage.Name}", work => Engine.Add(cage.Record, request, work.Warn, work.Show, work.Stop));
        CageContent[] added = [.. Engine.GetContents(cage.Record).Where(content => !known.Contains((content.Kind, content.Path)))];
        WriteVerbose($"\"{cage.Name}\" has {string.Join(", ", added.Select(content => content.Path).DefaultIfEmpty("nothing more"))} now, with all that is needed.");
        if (PassThru) WriteObject(added, enumerateCollection: true);
    }
}
