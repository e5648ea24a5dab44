using System.Management.Automation;
using Cage.Engine;
using Cage.Engine.Roots;
using Cage.Interop;

namespace Cage.PowerShell.Commands;

/// <summary>Add-CageFile: puts files of the host's into cages, in the same places, and folders with all in them; programs among them with all that they need.</summary>
[Cmdlet(VerbsCommon.Add, "CageFile", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(CageContent))]
public sealed class AddCageFileCommand : CageAddCmdlet
{
    /// <summary>The files; what Trace-CageCommand writes has them too.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [Alias("FullName", "LiteralPath")]
    [ValidateNotNullOrEmpty]
    public string[] Path { get; set; } = [];

    private protected override IEnumerable<string> Wanted => Path.Select(GetUnresolvedProviderPathFromPSPath);

    /// <summary>One that is not there is an error, and the rest go on.</summary>
    private protected override RootRequest Request(IReadOnlyList<string> wanted)
    {
        List<string> there = [];
        foreach (string path in wanted)
            Try(path, () => there.Add(Files.Status(path) is null ? throw new CageException(CageError.CageCommandNotFound, $"{path}: not there (ENOENT).", "Is the path right?", path) : path));
        return new RootRequest { Files = there, Packs = there.Count > 0 ? Pack : [] };
    }
}
