using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using Cage.Engine.Runtime;
using Cage.Engine.State;
using Cage.PowerShell.Transport;

namespace Cage.PowerShell.Commands;

/// <summary>New-CageSession: a PowerShell session in a running cage, for Enter-PSSession, Invoke-Command -Session, Copy-Item -ToSession and all
/// else that takes a PSSession. The cage's own pwsh serves it, until Remove-PSSession.</summary>
[Cmdlet(VerbsCommon.New, "CageSession", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(PSSession))]
public sealed class NewCageSessionCommand : CageTargetCmdlet
{
    /// <summary>The user: name, number, name:group or number:number; root by default.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(CageUserCompleter))]
    public string? User { get; set; }

    /// <summary>The working directory inside; the user's home by default.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Directory { get; set; }

    /// <summary>Variables for pwsh, besides the cage's own.</summary>
    [Parameter]
    public IDictionary? Environment { get; set; }

    private protected override void Act(CageInfo cage)
    {
        if (!ShouldProcess(Describe(cage), "Begin pwsh and open a session")) return;
        CageCommand command = new() { Arguments = [], User = User, Directory = Directory, Environment = Values.Variables(Environment), Descriptors = [] };
        Runspace runspace = RunspaceFactory.CreateRunspace(new CageConnectionInfo(Engine, cage, command, Stop), Host, TypeTable.LoadDefaultTypeFiles());
        try
        {
            runspace.Open();
            PSSession session = CageSession.Of(runspace, this);
            session.Name = cage.Name;
            WriteObject(session);
        }
        catch
        {
            runspace.Dispose();
            throw;
        }
    }
}
