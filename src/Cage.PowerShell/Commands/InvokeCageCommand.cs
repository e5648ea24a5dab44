using System.Collections;
using System.Management.Automation;
using Cage.Engine.Runtime;
using Cage.Engine.State;
using Cage.PowerShell.Scripts;

namespace Cage.PowerShell.Commands;

/// <summary>Invoke-Cage: runs a command or a script block in running cages. What a command writes comes out line by line, its errors as error
/// records that end nothing, its exit status in $LASTEXITCODE, as with any native command. A script block runs in the pwsh of each cage, many
/// at once, and its results are objects, with all streams.</summary>
/// <remarks><c>Invoke-Cage web -- nginx -t</c>; <c>Get-Cage web* | Invoke-Cage -- nginx -t</c>; <c>'text' | Invoke-Cage web -- cat</c>;
/// <c>Invoke-Cage web { Get-ChildItem $args[0] } /etc</c>. Whether the first word is the cage's name shows only with what the pipeline brings,
/// so no parameter could take it by position. A daemon that the command leaves behind should write to a file: its pipe ends with the command.</remarks>
[Cmdlet(VerbsLifecycle.Invoke, "Cage", DefaultParameterSetName = NameSet)]
[OutputType(typeof(string), typeof(PSObject), typeof(CageJob))]
public sealed partial class InvokeCageCommand : CageCmdlet
{
    private const int DefaultThrottleLimit = 32;

    private readonly List<CageInfo> _piped = [];
    private InvokedLine _line = new([], [], isNamed: false);
    private IRunning? _fed;
    private bool _isBegun, _runsPerCage;

    /// <summary>The cage, unless it is named by -Name or -Id or comes from the pipeline; then the command and its arguments, or a script block
    /// and its. What looks like a parameter of this cmdlet stands behind <c>--</c>.</summary>
    [Parameter(Position = 0, ValueFromRemainingArguments = true)]
    [ArgumentCompleter(typeof(CageFirstWordCompleter))]
    public object?[] Command { get; set; } = [];

    /// <summary>More arguments for the command or the script block.</summary>
    [Parameter]
    [AllowEmptyCollection]
    [Alias("Args")]
    public object?[] ArgumentList { get; set; } = [];

    /// <summary>A cage to run in, when none is named; anything else is input: a script block's $input, or a command's standard input,
    /// texts as lines, bytes as they are.</summary>
    [Parameter(ValueFromPipeline = true)]
    [AllowNull]
    [AllowEmptyString]
    [AllowEmptyCollection]
    public PSObject? InputObject { get; set; }

    /// <summary>In how many cages a script block runs at once; 32 by default.</summary>
    [Parameter]
    [ValidateRange(1, 1000)]
    public int ThrottleLimit { get; set; } = DefaultThrottleLimit;

    /// <summary>Writes a job at once, in which the script block goes on: Receive-Job has its results.</summary>
    [Parameter]
    public SwitchParameter AsJob { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        _line = new InvokedLine(Command, ArgumentList, IsNamed);
    }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (!IsGiven(nameof(InputObject))) return;
        foreach (object? item in InputObject?.BaseObject is IList list and not byte[] && IsMany(list) ? list : new[] { InputObject })
        {
            CageInfo? cage = Values.Unwrap(item) as CageInfo;
            if (!_isBegun) Begin(isTarget: cage is not null && !IsNamed && _line.MayLackNames);
            if (!_runsPerCage) TryWithStatus(null, () => _fed?.Feed(item));
            else TryWithStatus(item, () => RunPiped(cage ?? throw InvokedLine.Wrong("After a cage only more cages can come from the pipeline.", "Name the cage to send it input.")));
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        if (_fed is not null) TryWithStatus(null, () => ReportStatus(_fed.Finish()));
        if (_piped.Count > 0) Run(_piped, isPiped: true);
        if (_isBegun) return;
        if (MyInvocation.ExpectingInput && !IsNamed && !_line.IsEmpty && !_line.Names.Any(IsCage))
            WriteWarning($"Nothing came from the pipeline and no cage is called \"{string.Join(", ", _line.Names)}\": nothing was run.");
        else
            Run(Targets(), isPiped: false);
    }

    /// <inheritdoc/>
    private protected override void Dispose(bool disposing)
    {
        if (disposing) _fed?.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>Whether a list is its items: as the lines of a command's input, or as cages. To a script block it is a list.</summary>
    private bool IsMany(IList list) => _line.Script is null || (list.Count > 0 && list.Cast<object?>().All(item => Values.Unwrap(item) is CageInfo));

    private void Begin(bool isTarget)
    {
        _isBegun = true;
        _runsPerCage = isTarget;
        if (isTarget) return;
        List<CageInfo> targets = Targets();
        if (targets.Count > 0) TryWithStatus(targets[0], () => _fed = Invocation(isPiped: false).OpenWithInput(targets));
    }

    /// <summary>A command runs in each cage as it comes; a script block in all of them at once when they are known.</summary>
    private void RunPiped(CageInfo cage)
    {
        CageInfo found = new CageSelector(Engine).WithId(cage.Id);
        if (_line.Script is not null) _piped.Add(found);
        else Run([found], isPiped: true);
    }

    private void Run(List<CageInfo> cages, bool isPiped)
    {
        foreach (CageInfo[] part in cages.Chunk(_line.Script is null ? 1 : Math.Max(1, cages.Count)))
        {
            TryWithStatus(part[0], () =>
            {
                using IRunning running = Invocation(isPiped).Open(part);
                ReportStatus(running.Finish());
            });
        }
    }
}
