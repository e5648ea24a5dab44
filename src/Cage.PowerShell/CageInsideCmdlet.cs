using System.Collections;
using System.Management.Automation;
using Cage.Engine.Runtime;

namespace Cage.PowerShell;

/// <summary>The parameters that say as whom, where and with what something is begun inside a cage. Invoke-Cage has them too, whose cages are no targets of the pipeline alone: a class has one base.</summary>
internal interface IInsideParameters
{
    string? User { get; }

    string? Directory { get; }

    IDictionary? Environment { get; }
}

/// <summary>A cmdlet that begins something inside running cages.</summary>
public abstract class CageInsideCmdlet : CageTargetCmdlet, IInsideParameters
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
}

/// <summary>Turns those parameters into what the engine takes.</summary>
internal static class InsideParameters
{
    /// <summary>What is begun with them; the words and descriptors are whoever's who begins it.</summary>
    public static CageCommand InsideCommand(this IInsideParameters given) =>
        new() { Arguments = [], User = given.User, Directory = given.Directory, Environment = Values.Variables(given.Environment), Descriptors = [] };
}
