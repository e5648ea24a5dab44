using System.Management.Automation;
using Cage.Engine;
using Cage.Engine.Services;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Stop-CageService: ends services of cages, whether Start-CageProcess or Start-CageService started them; one that does not run is fine.</summary>
[Cmdlet(VerbsLifecycle.Stop, "CageService", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(CageService))]
public sealed class StopCageServiceCommand : CageTargetCmdlet
{
    /// <summary>The services' names.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(CageServiceCompleter))]
    public string[] ServiceName { get; set; } = [];

    /// <summary>How many seconds what runs may take after TERM before it is killed.</summary>
    [Parameter]
    [ValidateRange(0d, 86400d)]
    public double TimeoutSeconds { get; set; } = 10;

    /// <summary>Writes the services as they are then.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override void Act(CageInfo cage)
    {
        foreach (CageService service in GetCageServiceCommand.Find(cage, ServiceName))
        {
            if (!ShouldProcess($"{service.Name} in {Describe(cage)}")) continue;
            TimeSpan patience = TimeSpan.FromSeconds(TimeoutSeconds);
            CageService stopped = Work($"Stopping {service.Name} in {cage.Name}", work =>
            {
                work.Await("until it ends", patience);
                return CageEngine.StopService(cage, service, patience, work.Stop);
            });
            WriteVerbose($"\"{service.Name}\" in \"{cage.Name}\" has ended; its log is {stopped.LogPath}.");
            if (PassThru) WriteObject(stopped);
        }
    }
}
