using System.Management.Automation;
using Cage.Engine.Services;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Register-Cage: has the host's systemd start cages when it boots. Without systemd it says so.</summary>
[Cmdlet(VerbsLifecycle.Register, "Cage", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(CageInfo))]
public sealed class RegisterCageCommand : CageTargetCmdlet
{
    /// <summary>Writes the registered cages.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override void Act(CageInfo cage)
    {
        if (!ShouldProcess($"{BootUnit.NameOf(cage.Record)} for {Describe(cage)}")) return;
        string unit = Work($"Registering {cage.Name}", work => Engine.Register(cage.Record, CommandPath, work.Stop));
        WriteVerbose($"\"{cage.Name}\" is started when the host boots: {unit}.");
        if (PassThru) WriteObject(cage);
    }
}
