using System.Management.Automation;

namespace Cage.PowerShell;

/// <summary>A cmdlet that only asks: of all cages where none is named, and of all that have a name.</summary>
public abstract class CageQueryCmdlet : CageTargetCmdlet
{
    private protected CageQueryCmdlet()
    {
    }

    /// <summary>Names, with wildcards; an id or the beginning of one id alone means that cage too. All cages by default.</summary>
    [Parameter(Position = 0, ParameterSetName = NameSet, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(CageNameCompleter))]
    public override string[] Name { get; set; } = [];

    private protected sealed override CageSelector Selector => new(Engine) { TakesNamesakes = true, Broken = e => WriteError(Errors.Of(e, null)) };

    /// <inheritdoc/>
    protected sealed override void ProcessRecord()
    {
        if (ParameterSetName == NameSet && !IsGiven(nameof(Name))) ActOn(null, Selector.All);
        else base.ProcessRecord();
    }
}
