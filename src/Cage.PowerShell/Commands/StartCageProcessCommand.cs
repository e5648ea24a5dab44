using System.Management.Automation;
using Cage.Engine.Services;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Start-CageProcess: runs a command in the background of running cages, with a log, started again when it ends if that is wanted.</summary>
[Cmdlet(VerbsLifecycle.Start, "CageProcess", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(CageService))]
public sealed class StartCageProcessCommand : CageServiceCmdlet
{
    /// <summary>The command and its arguments.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromRemainingArguments = true)]
    [ValidateNotNullOrEmpty]
    public object?[] ArgumentList { get; set; } = [];

    /// <summary>The service's name, and its log's; the program's by default.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? ServiceName { get; set; }

    /// <summary>When it is started again after its end; None by default.</summary>
    [Parameter]
    public RestartPolicy Restart { get; set; } = RestartPolicy.None;

    private protected override void Act(CageInfo cage)
    {
        string[] words = [.. Values.Words(ArgumentList)];
        ServiceSpec service = new()
        {
            Name = ServiceName ?? Path.GetFileName(words[0]),
            Commands = [new ServiceCommand(words)],
            Restart = Restart,
            User = User,
            Directory = Directory,
            Environment = Values.Variables(Environment),
        };
        if (!ShouldProcess($"{string.Join(' ', words)} in {Describe(cage)}")) return;
        CageService started = Work($"Starting {service.Name} in {cage.Name}", work => Engine.StartService(cage, service, work.Stop));
        WriteVerbose($"\"{started.Name}\" runs in \"{cage.Name}\" as process {started.ProcessId}; its log is {started.LogPath}.");
        if (PassThru) WriteObject(started);
    }
}
