using System.Collections;
using System.Management.Automation;

namespace Cage.PowerShell.Commands;

/// <content>As whom, where, and with what it runs inside.</content>
public sealed partial class InvokeCageCommand : IInsideParameters
{
    /// <summary>The user: name, number, name:group or number:number; root by default.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(CageUserCompleter))]
    public string? User { get; set; }

    /// <summary>The group, name or number, in place of the user's own and with no others.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Group { get; set; }

    /// <summary>The working directory inside; the user's home by default.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Directory { get; set; }

    /// <summary>Variables for the command, besides the cage's own.</summary>
    [Parameter]
    public IDictionary? Environment { get; set; }

    private CageInvocation Invocation(bool isPiped) => new(this, Engine, _line, this.InsideCommand() with { Arguments = _line.Words(hasName: !IsNamed && !isPiped), Group = Group })
    {
        ThrottleLimit = ThrottleLimit, AsJob = AsJob, Stop = Stop,
    };
}
