using System.Collections;
using System.Management.Automation;

namespace Cage.PowerShell;

/// <summary>A cmdlet that starts something in the background of cages.</summary>
public abstract class CageServiceCmdlet : CageTargetCmdlet
{
    private protected CageServiceCmdlet()
    {
    }

    /// <summary>The user: name, number, name:group or number:number.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(CageUserCompleter))]
    public string? User { get; set; }

    /// <summary>The working directory inside.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Directory { get; set; }

    /// <summary>Variables for it, besides the cage's own.</summary>
    [Parameter]
    public IDictionary? Environment { get; set; }

    /// <summary>Writes the services.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }
}
