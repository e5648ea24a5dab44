using System.Management.Automation;

namespace Cage.PowerShell.Scripts;

/// <summary>A script block that goes on as a job once its input is complete (-AsJob).</summary>
internal sealed class BackgroundScript : IRunning
{
    private readonly PSCmdlet _cmdlet;
    private readonly CancellationToken _cancellation;
    private CageJob? _job;

    public BackgroundScript(PSCmdlet cmdlet, CageJob job, CancellationToken cancellation)
    {
        _cmdlet = cmdlet;
        _job = job;
        _cancellation = cancellation;
        job.Start();
    }

    public void Feed(object? item) => _job!.Feed(item, () =>
    {
        _cancellation.WaitHandle.WaitOne(10);
        _cancellation.ThrowIfCancellationRequested();
    });

    public int Finish()
    {
        CageJob job = _job!;
        job.CompleteInput();
        _job = null;
        _cmdlet.JobRepository.Add(job);
        _cmdlet.WriteObject(job);
        return 0;
    }

    public void Dispose() => _job?.Dispose();
}
