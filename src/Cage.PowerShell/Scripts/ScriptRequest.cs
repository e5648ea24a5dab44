using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using Cage.Engine;
using Cage.Engine.Runtime;

namespace Cage.PowerShell.Scripts;

/// <summary>A script block to run in cages, with all that is the same for each.</summary>
/// <param name="Engine">Who begins pwsh there.</param>
/// <param name="Script">The script block's text.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="Using">The values of its $using: expressions (<see cref="UsingValues"/>).</param>
/// <param name="Command">User, directory and environment.</param>
internal sealed record ScriptRequest(CageEngine Engine, string Script, IReadOnlyList<object?> Arguments, Hashtable Using, CageCommand Command)
{
    /// <summary>The parameter by which a remote PowerShell is handed the values of $using: (Invoke-Command's own way, since 5.0).</summary>
    private const string UsingParameter = "--%";

    /// <summary>Whether the pipeline brings something; each cage gets all of it.</summary>
    public bool TakesInput { get; init; }

    /// <summary>Whether results are to be shown with the cage that they come from.</summary>
    public bool ShowsCage { get; init; }

    /// <summary>The script, ready to be run.</summary>
    public System.Management.Automation.PowerShell In(Runspace runspace)
    {
        System.Management.Automation.PowerShell shell = System.Management.Automation.PowerShell.Create();
        shell.Runspace = runspace;
        if (TakesInput) shell.AddScript(ScriptInput.Relay, useLocalScope: true);
        shell.AddScript(Script);
        foreach (object? argument in Arguments) shell.AddArgument(argument);
        if (Using.Count > 0) shell.AddParameter(UsingParameter, Using);
        return shell;
    }
}
