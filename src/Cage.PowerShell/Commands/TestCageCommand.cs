using System.Management.Automation;
using Cage.Engine.Roots;
using Cage.Engine.State;

namespace Cage.PowerShell.Commands;

/// <summary>Test-Cage: tells what is not as it should be with cages: settings that together lead to the host, copies that differ from the host's now, libraries that are missing,
/// setuid files, passwords. It writes nothing where all is well.</summary>
[Cmdlet(VerbsDiagnostic.Test, "Cage", DefaultParameterSetName = NameSet)]
[OutputType(typeof(CageFinding))]
public sealed class TestCageCommand : CageQueryCmdlet
{
    /// <summary>Only findings of these kinds.</summary>
    [Parameter]
    public FindingKind[]? Kind { get; set; }

    private protected override void Act(CageInfo cage) =>
        WriteObject(Work($"Testing {cage.Name}", work => Engine.Test(cage.Record, work.Stop)).Where(finding => Kind?.Contains(finding.Kind) != false), enumerateCollection: true);
}
