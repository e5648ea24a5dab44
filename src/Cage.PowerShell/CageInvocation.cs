using System.Management.Automation;
using Cage.Engine;
using Cage.Engine.Runtime;
using Cage.Engine.State;
using Cage.PowerShell.Scripts;

namespace Cage.PowerShell;

/// <summary>What Invoke-Cage is to run, ready to be begun in cages.</summary>
/// <param name="Cmdlet">Whose pipeline it is joined to.</param>
/// <param name="Engine">Who begins it.</param>
/// <param name="Line">The command, or the script block.</param>
/// <param name="Command">The command's words; user, directory and environment of either.</param>
internal sealed record CageInvocation(PSCmdlet Cmdlet, CageEngine Engine, InvokedLine Line, CageCommand Command)
{
    /// <summary>In how many cages a script block runs at once.</summary>
    public int ThrottleLimit { get; init; } = 1;

    /// <summary>Whether it goes on as a job.</summary>
    public bool AsJob { get; init; }

    /// <summary>Ends it.</summary>
    public CancellationToken Stop { get; init; }

    /// <summary>Begins it without input. A command runs in one cage.</summary>
    public IRunning Open(IReadOnlyList<CageInfo> cages) => Line.Script is ScriptBlock script ? OpenScript(script, cages, takesInput: false) : OpenCommand(cages[0], takesInput: false);

    /// <summary>Begins it with input, of which each cage of a script block gets all.</summary>
    /// <exception cref="CageException">CageAmbiguous: a command's input can go to one.</exception>
    public IRunning OpenWithInput(IReadOnlyList<CageInfo> cages)
    {
        if (Line.Script is ScriptBlock script) return OpenScript(script, cages, takesInput: true);
        if (cages.Count == 1) return OpenCommand(cages[0], takesInput: true);
        string fit = string.Join(", ", cages.Select(cage => cage.Id));
        throw new CageException(CageError.CageAmbiguous, $"{cages.Count} cages fit, and input can go to one: {fit}.", "Give the id of the one that is meant.");
    }

    private RunningCommand OpenCommand(CageInfo cage, bool takesInput)
    {
        if (Command.Arguments.Count == 0) throw InvokedLine.Wrong("Which command?", "It follows the cage's name: Invoke-Cage NAME -- COMMAND.");
        if (AsJob) throw InvokedLine.Wrong("-AsJob is for script blocks.", "Put the command into one: Invoke-Cage NAME { COMMAND } -AsJob.");
        return new RunningCommand(Cmdlet, Engine, cage, Command, takesInput, Stop);
    }

    private IRunning OpenScript(ScriptBlock script, IReadOnlyList<CageInfo> cages, bool takesInput)
    {
        ScriptRequest request = new(Engine, script.ToString(), Line.Arguments, UsingValues.Of(script, Cmdlet.SessionState), Command)
        {
            TakesInput = takesInput, ShowsCage = cages.Count > 1,
        };
        CageJob job = new(request.Script, [.. cages.Select(cage => new ScriptJob(request, cage, Label(cage, cages)))], ThrottleLimit);
        Cmdlet.WriteVerbose($"Running a script block in {job.Location} as {Command.User ?? "root"}, in {ThrottleLimit} at once.");
        return AsJob ? new BackgroundScript(Cmdlet, job, Stop) : new RunningScript(Cmdlet, job, Stop);
    }

    private static string Label(CageInfo cage, IReadOnlyList<CageInfo> cages) => cages.Count(other => other.Name == cage.Name) == 1 ? cage.Name : cage.Id.ToString("D");
}
