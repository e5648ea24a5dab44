using System.Management.Automation;
using System.Text;
using Cage.Engine;
using Cage.Engine.Services;
using Cage.Engine.State;
using Cage.Interop;

namespace Cage.PowerShell.Commands;

/// <summary>Start-CageService: starts what a systemd service unit of running cages says, without systemd. What it does not support is refused by name.</summary>
[Cmdlet(VerbsLifecycle.Start, "CageService", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(CageService))]
public sealed class StartCageServiceCommand : CageServiceCmdlet
{
    private static readonly string[] _folders = ["etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"];

    /// <summary>The unit: its name, with or without .service, or its path inside.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [ValidateNotNullOrEmpty]
    public string Unit { get; set; } = "";

    /// <summary>Directives of the unit that the service can do without.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] IgnoreDirective { get; set; } = [];

    private protected override void Act(CageInfo cage)
    {
        string name = Path.GetFileName(Unit);
        if (name.EndsWith(".service", StringComparison.Ordinal)) name = name[..^".service".Length];
        (string path, string text) = Find(cage);
        ServiceSpec unit = UnitFile.Parse(name, text, path, IgnoreDirective, WriteVerbose);
        ServiceSpec service = unit with
        {
            User = User ?? unit.User,
            Directory = Directory ?? unit.Directory,
            Environment = [.. unit.Environment, .. Values.Variables(Environment)],
        };
        if (!ShouldProcess($"{path} in {Describe(cage)}")) return;
        CageService started = Work($"Starting {service.Name} in {cage.Name}", work => Engine.StartService(cage, service, work.Stop));
        WriteVerbose($"\"{started.Name}\" is up in \"{cage.Name}\"; its log is {started.LogPath}.");
        if (PassThru) WriteObject(started);
    }

    /// <summary>The unit as the cage has it, by systemd's own order of folders (systemd.unit(5)); no link leads out of the cage.</summary>
    private (string Path, string Text) Find(CageInfo cage)
    {
        if (cage.State != CageState.Running || cage.RootPath is null)
            throw new CageException(
                CageError.CageNotRunning, $"\"{cage.Name}\" does not run.", "Start it first (Start-Cage).", cage.Name);
        string file = Unit.EndsWith(".service", StringComparison.Ordinal) ? Unit : $"{Unit}.service";
        using Descriptor root = Files.Open(cage.RootPath, Files.O_PATH | Files.O_DIRECTORY);
        foreach (string path in Unit.Contains('/') ? [Unit] : _folders.Select(folder => $"{folder}/{file}"))
        {
            using Descriptor? unit = Files.TryOpenInRoot(root, path, Files.O_RDONLY | Files.O_NONBLOCK);
            if (unit is not null && Files.Status(unit).IsRegular) return ($"/{path.TrimStart('/')}", Encoding.UTF8.GetString(Files.ReadAll(unit)));
        }
        throw new CageException(
            CageError.CageNotFound, $"\"{cage.Name}\" has no unit {file} (ENOENT).", $"It is looked for in {string.Join(", ", _folders.Select(folder => $"/{folder}"))}.", Unit);
    }
}
