using System.Management.Automation;
using Cage.Engine;
using Cage.Engine.Services;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Unregister-Cage: takes back what Register-Cage did; a cage that runs goes on.</summary>
[Cmdlet(VerbsLifecycle.Unregister, "Cage", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class UnregisterCageCommand : CageTargetCmdlet
{
    private protected override void Act(CageInfo cage)
    {
        if (!ShouldProcess($"{BootUnit.NameOf(cage.Record)} for {Describe(cage)}")) return;
        bool did = Work($"Unregistering {cage.Name}", work => CageEngine.Unregister(cage.Record, work.Stop));
        WriteVerbose(did ? $"\"{cage.Name}\" is not started any more when the host boots." : $"\"{cage.Name}\" was not registered.");
    }
}
