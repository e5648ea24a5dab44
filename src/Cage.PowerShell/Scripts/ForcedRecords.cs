using System.Management.Automation;

namespace Cage.PowerShell.Scripts;

/// <summary>Writes verbose and debug records of a script in a cage: it was told there to write them (or there were none), so that the caller's
/// own preference must not swallow them, as it would with Cmdlet.WriteVerbose. Redirections still catch them.</summary>
internal sealed class ForcedRecords(SessionState session) : IDisposable
{
    private SteppablePipeline? _pipeline;

    /// <summary>Writes one. On the pipeline's own thread.</summary>
    public void Write(InformationalRecord record)
    {
        _pipeline ??= Open();
        _pipeline.Process(record);
    }

    public void Dispose() => _pipeline?.Dispose();

    private SteppablePipeline Open()
    {
        const string Script = @"& { process {
            if ($_ -is [System.Management.Automation.VerboseRecord]) { Microsoft.PowerShell.Utility\Write-Verbose $_.Message -Verbose }
            else { Microsoft.PowerShell.Utility\Write-Debug $_.Message -Debug }
        } }";
        SteppablePipeline pipeline = ScriptBlock.Create(Script).GetSteppablePipeline(CommandOrigin.Internal);
        pipeline.Begin(expectInput: true, (EngineIntrinsics)session.PSVariable.GetValue("ExecutionContext"));
        return pipeline;
    }
}
