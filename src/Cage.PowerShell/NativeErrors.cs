using System.Collections;
using System.Management.Automation;

namespace Cage.PowerShell;

/// <summary>
/// Writes lines to a cmdlet's error stream as PowerShell writes a native command's: shown without ceremony, caught by <c>2&gt;</c> and
/// <c>-ErrorVariable</c>, not in <c>$Error</c>, and never ending anything, whatever <c>$ErrorActionPreference</c> or <c>-ErrorAction</c> say.
/// </summary>
/// <remarks>
/// Cmdlet.WriteError cannot do that: it obeys the preference. A steppable pipeline can, whose errors go where its caller's go: its
/// Write-Error has an <c>-ErrorAction</c> of its own, and leaves the record's id as it is, by which the error views know a native command's
/// lines. (The engine's own way to do it, <c>_WriteErrorSkipAllowCheck(isFromNativeStdError)</c>, is internal.)
/// </remarks>
internal sealed class NativeErrors(SessionState session) : IDisposable
{
    private SteppablePipeline? _pipeline;

    /// <summary>Writes one line. On the pipeline's own thread, as all that writes to it.</summary>
    public void Write(string line)
    {
        ErrorRecord record = Errors.Line(line, isFirst: _pipeline is null);
        _pipeline ??= Open();
        _pipeline.Process(record);
        if (session.PSVariable.GetValue("global:Error") is not ArrayList { Count: > 0 } errors) return;
        if (errors[0] is ErrorRecord newest && newest.Exception == record.Exception) errors.RemoveAt(0);
    }

    public void Dispose() => _pipeline?.Dispose();

    private SteppablePipeline Open()
    {
        const string Script = @"& { process { Microsoft.PowerShell.Utility\Write-Error -ErrorRecord $_ -ErrorAction Continue } }";
        SteppablePipeline pipeline = ScriptBlock.Create(Script).GetSteppablePipeline(CommandOrigin.Internal);
        // Not Begin(cmdlet), which would take no input where the cmdlet has none.
        pipeline.Begin(expectInput: true, (EngineIntrinsics)session.PSVariable.GetValue("ExecutionContext"));
        return pipeline;
    }
}
