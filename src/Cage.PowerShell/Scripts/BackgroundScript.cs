using System.Management.Automation;

namespace Cage.PowerShell.Scripts;

/// <summary>A script block that goes on as a job once its input is complete (-AsJob).</summary>
internal sealed class BackgroundScript : IRunning
{
    private readonly PSCmdlet _cmdlet;
    private readonly PSDataCollection<PSObject>? _input;
    private CageJob? _job;

    public BackgroundScript(PSCmdlet cmdlet, CageJob job, PSDataCollection<PSObject>? input)
    {
        _cmdlet = cmdlet;
        _job = job;
        _input = input;
        job.Start();
    }

    public void Feed(object? item) => _input!.Add(PSObject.AsPSObject(item));

    public int Finish()
    {
        _input?.Complete();
        CageJob job = _job!;
        _job = null;
        _cmdlet.JobRepository.Add(job);
        _cmdlet.WriteObject(job);
        return 0;
    }

    public void Dispose() => _job?.Dispose();
}
