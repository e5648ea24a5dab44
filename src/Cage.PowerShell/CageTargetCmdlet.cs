using System.Management.Automation;
using Cage.Engine;
using Cage.Engine.Plans;
using Cage.Engine.State;

namespace Cage.PowerShell;

/// <summary>A cmdlet that does something to cages, which are named, or given by id, or come from the pipeline. Each is done for itself: one
/// that fails is an error, and the rest go on.</summary>
public abstract class CageTargetCmdlet : CageCmdlet
{
    /// <summary>The parameter set of <see cref="Name"/>.</summary>
    protected const string NameSet = "Name";

    /// <summary>The parameter set of <see cref="LiteralName"/>.</summary>
    protected const string LiteralNameSet = "LiteralName";

    /// <summary>The parameter set of <see cref="Id"/>.</summary>
    protected const string IdSet = "Id";

    /// <summary>The parameter set of <see cref="InputObject"/>.</summary>
    protected const string InputObjectSet = "InputObject";

    private protected CageTargetCmdlet()
    {
    }

    /// <summary>Names, with wildcards; an id or the beginning of one id alone means that cage too.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = NameSet, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(CageNameCompleter))]
    public virtual string[] Name { get; set; } = [];

    /// <summary>Names as they are: no character in them is a wildcard.</summary>
    [Parameter(Mandatory = true, ParameterSetName = LiteralNameSet)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(CageLiteralNameCompleter))]
    public string[] LiteralName { get; set; } = [];

    /// <summary>Ids.</summary>
    [Parameter(Mandatory = true, ParameterSetName = IdSet, ValueFromPipelineByPropertyName = true)]
    [Alias("CageId")]
    [ArgumentCompleter(typeof(CageIdCompleter))]
    public Guid[] Id { get; set; } = [];

    /// <summary>Cages, as Get-Cage writes them; a mount or process of a cage stands for its cage.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = InputObjectSet, ValueFromPipeline = true)]
    [ValidateNotNull]
    [CageOf]
    public CageInfo[] InputObject { get; set; } = [];

    /// <summary>Who finds them.</summary>
    private protected virtual CageSelector Selector => new(Engine) { Broken = e => WriteVerbose(e.Message) };

    /// <summary>Does it to one.</summary>
    private protected abstract void Act(CageInfo cage);

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        switch (ParameterSetName)
        {
            case InputObjectSet:
                foreach (CageInfo cage in InputObject) ActOn(cage, () => [Selector.WithId(cage.Id)]);
                break;
            case LiteralNameSet:
                foreach (string name in LiteralName) ActOn(name, () => Selector.Literal(name));
                break;
            case IdSet:
                foreach (Guid id in Id) ActOn(id, () => [Selector.WithId(id)]);
                break;
            default:
                foreach (string name in Name) ActOn(name, () => Selector.Named(name));
                break;
        }
    }

    /// <summary>Finds what <paramref name="target"/> means, and does it to each.</summary>
    private protected void ActOn(object? target, Func<IEnumerable<CageInfo>> find)
    {
        CageInfo[] found = [];
        Try(target, () => found = [.. find()]);
        foreach (CageInfo cage in found)
        {
            if (Stopping) throw new PipelineStoppedException();
            Try(cage, () => Act(cage));
        }
    }

    /// <summary>How a message names a cage, which its name alone may not.</summary>
    private protected static string Describe(CageInfo cage) => $"{cage.Name} ({cage.Id})";

    /// <summary>What -WhatIf says: each step that would be done, none of which is.</summary>
    private protected void ShowPlan(Plan plan)
    {
        foreach (PlanLine line in plan.Lines)
            ShouldProcess(line.Target is null ? plan.Cage : $"{plan.Cage}: {line.Target}", line.Action);
    }

    /// <summary>Shows what a stop would do where there is something to stop.</summary>
    private protected void ShowStop(CageInfo cage, StopOptions options) => ShowPlan(Engine.PlanStop(cage.Record, options));
}
