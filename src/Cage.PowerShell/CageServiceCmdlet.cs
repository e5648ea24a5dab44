using System.Management.Automation;

namespace Cage.PowerShell;

/// <summary>A cmdlet that starts something in the background of cages.</summary>
public abstract class CageServiceCmdlet : CageInsideCmdlet
{
    private protected CageServiceCmdlet()
    {
    }

    /// <summary>Writes the services.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }
}
