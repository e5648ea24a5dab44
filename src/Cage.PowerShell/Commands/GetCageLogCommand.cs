using System.Management.Automation;
using Cage.Engine;
using Cage.Engine.State;
using Cage.Engine.Store;

namespace Cage.PowerShell.Commands;

/// <summary>Get-CageLog: what the start and stop scripts of cages, and their services, have printed.</summary>
[Cmdlet(VerbsCommon.Get, "CageLog", DefaultParameterSetName = NameSet)]
[OutputType(typeof(CageLogLine))]
public sealed class GetCageLogCommand : CageTargetCmdlet
{
    private const int Pause = 200;

    private readonly List<(CageInfo Cage, CageLog Log, long Position)> _followed = [];

    /// <summary>Only the logs with these names: a script's, such as start, or a service's.</summary>
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(CageServiceCompleter))]
    public string[] Log { get; set; } = ["*"];

    /// <summary>Only so many of the last lines of each log.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    public int Tail { get; set; }

    /// <summary>Goes on with the lines that are written from now on, until it is stopped.</summary>
    [Parameter]
    public SwitchParameter Follow { get; set; }

    private protected override void Act(CageInfo cage)
    {
        IReadOnlyList<CageLog> logs = CageLog.Of(cage.Record);
        foreach (string wanted in Log)
        {
            WildcardPattern pattern = new(wanted);
            CageLog[] found = [.. logs.Where(log => pattern.IsMatch(log.Name))];
            if (found.Length == 0 && !WildcardPattern.ContainsWildcardCharacters(wanted))
                throw new CageException(
                    CageError.CageNotFound, $"\"{cage.Name}\" has no log \"{wanted}\".", $"It has {string.Join(", ", logs.Select(log => log.Name).DefaultIfEmpty("none"))}.", wanted);
            foreach (CageLog log in found)
            {
                var (position, end) = log.Span(IsGiven(nameof(Tail)) ? Tail : null);
                while (position < end && log.ReadOn(ref position, unfinished: !Follow) is { Count: > 0 } lines) Write(cage, log, lines);
                _followed.Add((cage, log, position));
            }
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        while (Follow && !Stop.WaitHandle.WaitOne(Pause))
            for (int i = 0; i < _followed.Count; i++)
            {
                var (cage, log, position) = _followed[i];
                Write(cage, log, log.ReadOn(ref position));
                _followed[i] = (cage, log, position);
            }
    }

    private void Write(CageInfo cage, CageLog log, IReadOnlyList<string> lines)
    {
        foreach (string line in lines) WriteObject(new CageLogLine(cage.Name, cage.Id, log.Name, line));
    }
}
