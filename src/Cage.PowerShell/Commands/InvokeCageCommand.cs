using System.Collections;
using System.Management.Automation;
using Cage.Engine;
using Cage.Engine.Runtime;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Invoke-Cage: runs a command in a running cage. What it writes comes out line by line, its errors as error records that end
/// nothing, its exit status in $LASTEXITCODE, as with any native command.</summary>
/// <remarks><c>Invoke-Cage web -- nginx -t</c>; <c>Get-Cage web* | Invoke-Cage -- nginx -t</c>; <c>'text' | Invoke-Cage web -- cat</c>. Whether
/// the first word is the cage's name shows only with what the pipeline brings, so no parameter could take it by position. A daemon that the
/// command leaves behind should write to a file: its pipe ends with the command.</remarks>
[Cmdlet(VerbsLifecycle.Invoke, "Cage", DefaultParameterSetName = NameSet)]
[OutputType(typeof(string))]
public sealed class InvokeCageCommand : CageCmdlet
{
    private const string NameSet = "Name", IdSet = "Id";

    private List<string> _words = [];
    private RunningCommand? _fed;
    private bool _isBegun, _runsPerCage;

    /// <summary>The cage, unless it is named by -Name or -Id or comes from the pipeline; then the command and its arguments. What looks like
    /// a parameter of this cmdlet stands behind <c>--</c>.</summary>
    [Parameter(Position = 0, ValueFromRemainingArguments = true)]
    [ArgumentCompleter(typeof(CageFirstWordCompleter))]
    public object?[] ArgumentList { get; set; } = [];

    /// <summary>The cages, by names with wildcards, ids, or the beginnings of ids.</summary>
    [Parameter(ParameterSetName = NameSet)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(CageNameCompleter))]
    public string[]? Name { get; set; }

    /// <summary>The cages, by ids.</summary>
    [Parameter(Mandatory = true, ParameterSetName = IdSet)]
    [Alias("CageId")]
    [ArgumentCompleter(typeof(CageIdCompleter))]
    public Guid[] Id { get; set; } = [];

    /// <summary>The user: name, number, name:group or number:number; root by default.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? User { get; set; }

    /// <summary>The working directory inside; the user's home by default.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Directory { get; set; }

    /// <summary>Variables for the command, besides the cage's own.</summary>
    [Parameter]
    public IDictionary? Environment { get; set; }

    /// <summary>A cage to run the command in, when none is named; anything else is its standard input: texts as lines, bytes as they are.</summary>
    [Parameter(ValueFromPipeline = true)]
    [AllowNull]
    [AllowEmptyString]
    [AllowEmptyCollection]
    public PSObject? InputObject { get; set; }

    private bool IsNamed => Name is not null || ParameterSetName == IdSet;

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        _words = [.. Values.Words(ArgumentList)];
    }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (!IsGiven(nameof(InputObject))) return;
        foreach (object? item in InputObject?.BaseObject is IList list and not byte[] ? list : new[] { InputObject })
        {
            CageInfo? cage = Values.Unwrap(item) as CageInfo;
            if (!_isBegun) Begin(isTarget: cage is not null && !IsNamed);
            if (!_runsPerCage) TryWithStatus(null, () => _fed?.Feed(item));
            else TryWithStatus(item, () => Run(new CageSelector(Engine).WithId(cage?.Id ?? throw Wrong(
                "After a cage only more cages can come from the pipeline.", "Name the cage to send it input."))));
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        if (_fed is not null) TryWithStatus(null, () => ReportStatus(_fed.Finish()));
        if (_isBegun) return;
        if (MyInvocation.ExpectingInput && !IsNamed && _words.Count > 0 && !IsCage(_words[0]))
            WriteWarning($"Nothing came from the pipeline and no cage is called \"{_words[0]}\": nothing was run.");
        else
            foreach (CageInfo cage in Targets()) TryWithStatus(cage, () => Run(cage));
    }

    /// <inheritdoc/>
    private protected override void Dispose(bool disposing)
    {
        if (disposing) _fed?.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>What an empty pipeline leaves open: whether cages were to come, or input.</summary>
    private bool IsCage(string word)
    {
        bool isCage = WildcardPattern.ContainsWildcardCharacters(word);
        Try(word, () => isCage |= Engine.Store.FindAll(word).Count > 0);
        return isCage;
    }

    private void Begin(bool isTarget)
    {
        _isBegun = true;
        _runsPerCage = isTarget;
        if (isTarget) return;
        CageInfo[] targets = [.. Targets()];
        if (targets.Length == 0) return;
        TryWithStatus(targets[0], () => _fed = targets.Length == 1
            ? new RunningCommand(this, Engine, targets[0], Command(), takesInput: true, Stop)
            : throw new CageException(
                CageError.CageAmbiguous,
                $"{targets.Length} cages fit, and input can go to one: {string.Join(", ", targets.Select(cage => cage.Id))}.",
                "Give the id of the one that is meant."));
    }

    private void Run(CageInfo cage)
    {
        using RunningCommand running = new(this, Engine, cage, Command(), takesInput: false, Stop);
        ReportStatus(running.Finish());
    }

    private List<CageInfo> Targets()
    {
        List<CageInfo> found = [];
        CageSelector selector = new(Engine);
        foreach (Guid id in Id) TryWithStatus(id, () => found.Add(selector.WithId(id)));
        if (ParameterSetName == IdSet) return found;
        if (Name is null && _words.Count == 0) TryWithStatus(null, () => throw Wrong("Which cage?", "Its name comes first: Invoke-Cage NAME -- COMMAND."));
        foreach (string name in Name ?? [.. _words.Take(1)]) TryWithStatus(name, () => found.AddRange(selector.Named(name)));
        return found;
    }

    private CageCommand Command()
    {
        string[] words = [.. _words.Skip(IsNamed || _runsPerCage ? 0 : 1)];
        if (words.Length == 0) throw Wrong("Which command?", "It follows the cage's name: Invoke-Cage NAME -- COMMAND.");
        return new CageCommand { Arguments = words, User = User, Directory = Directory, Environment = Values.Variables(Environment), Descriptors = [] };
    }

    private static CageException Wrong(string what, string advice) => new(CageError.CageArgumentInvalid, what, advice);
}
