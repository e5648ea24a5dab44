using System.Management.Automation;
using System.Management.Automation.Runspaces;
using Cage.Engine.State;
using Cage.PowerShell.Transport;

namespace Cage.PowerShell.Commands;

/// <summary>New-CageSession: a PowerShell session in a running cage, for Enter-PSSession, Invoke-Command -Session, Copy-Item -ToSession and all
/// else that takes a PSSession. The cage's own pwsh serves it, until Remove-PSSession.</summary>
[Cmdlet(VerbsCommon.New, "CageSession", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(PSSession))]
public sealed class NewCageSessionCommand : CageInsideCmdlet
{
    private protected override void Act(CageInfo cage)
    {
        if (!ShouldProcess(Describe(cage), "Begin pwsh and open a session")) return;
        Runspace runspace = RunspaceFactory.CreateRunspace(new CageConnectionInfo(Engine, cage, this.InsideCommand(), Stop), Host, TypeTable.LoadDefaultTypeFiles());
        try
        {
            Work($"Opening a session in {cage.Name}", _ => runspace.Open());
            PSSession session = CageSession.Of(runspace, this);
            session.Name = cage.Name;
            WriteVerbose($"Session {session.Id} is open in \"{cage.Name}\".");
            WriteObject(session);
        }
        catch
        {
            runspace.Dispose();
            throw;
        }
    }
}
