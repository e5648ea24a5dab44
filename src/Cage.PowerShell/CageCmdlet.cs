using System.Management.Automation;
using System.Runtime.InteropServices;
using Cage.Engine;
using Cage.Engine.Runtime;
using Cage.Engine.Store;

namespace Cage.PowerShell;

/// <summary>What all cmdlets share: the engine, its errors as error records, and the stop of a pipeline (Ctrl+C) handed on to it.</summary>
public abstract class CageCmdlet : PSCmdlet, IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private CageEngine? _engine;
    private ProgressLine? _progress;
    private StageBinary? _stage;

    private protected CageCmdlet()
    {
    }

    /// <summary>The engine.</summary>
    private protected CageEngine Engine => _engine ?? throw new InvalidOperationException("BeginProcessing opens it.");

    /// <summary>Is cancelled when the pipeline is stopped.</summary>
    private protected CancellationToken Stop => _stop.Token;

    /// <summary>The <c>cage</c> program that comes with the module for this machine: in the folder in which PowerShell looks for native libraries, too.</summary>
    private protected static string CommandPath { get; } = Path.Combine(
        Path.GetDirectoryName(typeof(CageCmdlet).Assembly.Location)!, RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "linux-arm64" : "linux-x64", "cage");

    /// <summary>Whether <c>-WhatIf</c> holds, given or as a preference.</summary>
    private protected bool IsWhatIf => MyInvocation.BoundParameters.TryGetValue("WhatIf", out object? given)
        ? LanguagePrimitives.IsTrue(given)
        : LanguagePrimitives.IsTrue(GetVariableValue("WhatIfPreference"));

    /// <summary>Whether debug lines are wanted, by -Debug or as a preference.</summary>
    private bool IsDebug => MyInvocation.BoundParameters.TryGetValue("Debug", out object? given)
        ? LanguagePrimitives.IsTrue(given)
        : LanguagePrimitives.ConvertTo<ActionPreference>(GetVariableValue("DebugPreference", ActionPreference.SilentlyContinue)) is not (ActionPreference.SilentlyContinue or ActionPreference.Ignore);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Opens the store that <c>CAGE_CONF</c> names. Without one nothing can be done.</summary>
    protected override void BeginProcessing()
    {
        Face.IsModule = true;
        try
        {
            if (!File.Exists(CommandPath))
                throw new CageException(
                    CageError.CageHostUnsupported, $"The module has no part for this machine: {CommandPath} is not there (ENOENT).", "Package it with that part: ./build.sh package --arm64 has both.");
            _stage = new StageBinary(CommandPath);
            _engine = new CageEngine(StoreSettings.Load(), _stage);
        }
        catch (Exception e) when (Errors.Of(e, null) is ErrorRecord record)
        {
            ThrowTerminatingError(record);
        }
    }

    /// <inheritdoc/>
    protected sealed override void StopProcessing() => _stop.Cancel();

    /// <summary>Lets go of what the cmdlet holds.</summary>
    private protected virtual void Dispose(bool disposing)
    {
        if (!disposing) return;
        _stage?.Dispose();
        _stop.Dispose();
    }

    /// <summary>Does something to one of several: when it fails that is an error, and the rest go on.</summary>
    private protected void Try(object? target, Action act)
    {
        try
        {
            act();
        }
        catch (OperationCanceledException) when (Stopping)
        {
            throw new PipelineStoppedException();
        }
        catch (Exception e) when (Errors.Of(e, target) is ErrorRecord record)
        {
            WriteError(record);
        }
    }

    /// <summary>Has the engine do what may take longer than a moment: its progress is shown, and the cmdlet's end waits for it.</summary>
    /// <param name="activity">What is going on, such as "Stopping web".</param>
    /// <param name="act">Does it. It is not on the pipeline's thread: whatever is to be written goes by the work.</param>
    private protected T Work<T>(string activity, Func<LongWork, T> act)
    {
        using LongWork work = new(this, activity, _progress ??= new ProgressLine(this), Stop) { TellsSteps = IsDebug };
        return work.Run(act);
    }

    /// <summary>As <see cref="Work{T}"/>, for what has no result.</summary>
    private protected void Work(string activity, Action<LongWork> act) => Work(activity, work =>
    {
        act(work);
        return true;
    });

    /// <summary>As <see cref="Try"/>, for what ends with a status: what never came to run has one too, so that no older one is taken for it.</summary>
    private protected void TryWithStatus(object? target, Action act) => Try(target, () =>
    {
        try
        {
            act();
        }
        catch (CageException e)
        {
            ReportStatus(Errors.ExitStatus(e));
            throw;
        }
    });

    /// <summary>Leaves a command's exit status where PowerShell has a native one's.</summary>
    private protected void ReportStatus(int status) => SessionState.PSVariable.Set("global:LASTEXITCODE", status);

    /// <summary>Whether a parameter was given.</summary>
    private protected bool IsGiven(string parameter) => MyInvocation.BoundParameters.ContainsKey(parameter);
}
