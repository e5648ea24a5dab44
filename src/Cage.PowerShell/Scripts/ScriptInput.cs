using System.Management.Automation;

namespace Cage.PowerShell.Scripts;

/// <summary>What the pipeline brings for a script block in one cage. PowerShell's remoting takes all that it is given, and keeps what the script
/// has not come to yet. So the script is told of here: no more is handed on than it is a little behind with.</summary>
internal sealed class ScriptInput : IDisposable
{
    /// <summary>How many objects may be on their way, and after how many of them the cage tells so.</summary>
    private const int Window = 256, Step = 64;

    private const string Mark = "Cage.Input";

    private long _given, _taken;

    /// <summary>Stands before the script in the cage's pipeline, hands on each object as it is, and tells.</summary>
    public static string Relay { get; } =
        $"begin {{ $n = 0 }} process {{ if (++$n % {Step} -eq 0) {{ Microsoft.PowerShell.Utility\\Write-Information {Mark} -Tags {Mark} -InformationAction SilentlyContinue }}; , $_ }}";

    /// <summary>For the shell, which takes away what it sends.</summary>
    public PSDataCollection<PSObject> Items { get; } = [];

    /// <summary>Whether the script is too far behind to be given more.</summary>
    public bool IsBehind => _given - Interlocked.Read(ref _taken) >= Window;

    /// <summary>Gives it an object.</summary>
    public void Add(object? item)
    {
        _given++;
        Items.Add(item is null ? null! : PSObject.AsPSObject(item));
    }

    /// <summary>Whether a record is not the script's, but tells of what it has taken.</summary>
    public bool Took(InformationRecord record)
    {
        if (!record.Tags.Contains(Mark)) return false;
        Interlocked.Add(ref _taken, Step);
        return true;
    }

    public void Dispose() => Items.Dispose();
}
