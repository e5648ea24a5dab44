using System.Management.Automation;
using System.Management.Automation.Runspaces;

namespace Cage.PowerShell.Transport;

/// <summary>PowerShell's sessions over a runspace in a cage.</summary>
public static class CageSession
{
    /// <summary>A session for Invoke-Command, Enter-PSSession, Copy-Item and the like; Get-PSSession does not list it until it was used.</summary>
    /// <param name="runspace">A runspace over <see cref="CageConnectionInfo"/>, opened.</param>
    /// <param name="cmdlet">Who makes it.</param>
    public static PSSession Of(Runspace runspace, PSCmdlet cmdlet) => PSSession.Create(runspace, "Cage", cmdlet);
}
