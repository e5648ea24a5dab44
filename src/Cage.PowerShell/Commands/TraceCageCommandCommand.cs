using System.Management.Automation;
using Cage.Engine.Roots;
using Cage.Engine.State;
using Cage.Interop;

namespace Cage.PowerShell.Commands;

/// <summary>Trace-CageCommand: runs a command in a running cage under strace(1) and tells what it looked for and did not find, opened, executed and connected to.
/// What the command prints is told with -Verbose, its exit status is in $LASTEXITCODE.</summary>
[Cmdlet(VerbsDiagnostic.Trace, "CageCommand", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(CageTrace))]
public sealed class TraceCageCommandCommand : CageTargetCmdlet
{
    /// <summary>The command and its arguments; after -- they may begin with hyphens.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromRemainingArguments = true)]
    public object[] Command { get; set; } = [];

    /// <summary>As whom; root by default.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(CageUserCompleter))]
    public string? User { get; set; }

    /// <summary>Puts into the cage what is missing there and is on the host, until nothing is; writes what was put in.</summary>
    [Parameter]
    public SwitchParameter Fix { get; set; }

    private protected override void Act(CageInfo cage)
    {
        string[] words = [.. Values.Words(Command)];
        if (!ShouldProcess(Describe(cage), $"run {string.Join(' ', words)} under a trace{(Fix ? ", and add what it misses" : "")}")) return;
        using Descriptor input = Files.Open("/dev/null", Files.O_RDONLY), output = Channels.Memory("output");
        Descriptor[] descriptors = [input, output, output];
        var (traces, status) = Work($"Tracing {words[0]} in {cage.Name}", work => Fix
            ? ([], Engine.Fix(cage, words, User, descriptors, work.WriteObject, work.Warn, work.Stop))
            : Engine.Trace(cage, words, User, descriptors, work.Stop));
        WriteObject(traces, enumerateCollection: true);
        foreach (string line in File.ReadLines(output.ProcPath)) WriteVerbose(line);
        WriteVerbose($"{words[0]} was traced in \"{cage.Name}\" and ended with {status}.");
        ReportStatus(status);
    }
}
