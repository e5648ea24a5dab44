using System.Collections;
using System.Management.Automation;
using Cage.Engine.Runtime;

namespace Cage.PowerShell;

/// <summary>A cmdlet that begins something inside running cages.</summary>
/// <remarks>Invoke-Cage has the same parameters again: its cages are no targets of the pipeline alone, and a class has one base.</remarks>
public abstract class CageInsideCmdlet : CageTargetCmdlet
{
    private protected CageInsideCmdlet()
    {
    }

    /// <summary>The user: name, number, name:group or number:number; root by default.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(CageUserCompleter))]
    public string? User { get; set; }

    /// <summary>The working directory inside; the user's home by default.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Directory { get; set; }

    /// <summary>Variables for it, besides the cage's own.</summary>
    [Parameter]
    public IDictionary? Environment { get; set; }

    /// <summary>What is begun with them; the words and descriptors are whoever's who begins it.</summary>
    private protected CageCommand InsideCommand => new() { Arguments = [], User = User, Directory = Directory, Environment = Values.Variables(Environment), Descriptors = [] };
}
