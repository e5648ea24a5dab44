using System.Management.Automation;
using Cage.Engine.Roots;

namespace Cage.PowerShell.Commands;

/// <summary>Get-CageDependency: all files that commands need, each with the reason. None of them is run, as ldd(1) would do.</summary>
[Cmdlet(VerbsCommon.Get, "CageDependency")]
[OutputType(typeof(CageDependency))]
public sealed class GetCageDependencyCommand : CageCmdlet
{
    private readonly List<string> _names = [];

    /// <summary>Commands, as they are called, or paths of programs, libraries, scripts or other files.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ValueFromRemainingArguments = true)]
    [Alias("FullName", "Path", "Name")]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(HostCommandCompleter))]
    public string[] Command { get; set; } = [];

    /// <summary>Packs that are wanted whether or not a command chooses them.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(PackCompleter))]
    public string[] Pack { get; set; } = [];

    /// <summary>Leaves out the packs that the commands choose by what they import and are called.</summary>
    [Parameter]
    public SwitchParameter NoPack { get; set; }

    /// <summary>The directory whose files are looked at, as if it were /; the host's root by default.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string Root { get; set; } = "/";

    /// <inheritdoc/>
    protected override void ProcessRecord() => _names.AddRange(Command);

    /// <summary>All together, since each file is there once.</summary>
    protected override void EndProcessing() => Try(null, () =>
    {
        string root = GetUnresolvedProviderPathFromPSPath(Root);
        DependencyQuery query = new()
        {
            Names = [.. _names.Select(name => !name.Contains('/') ? name : root == "/" ? GetUnresolvedProviderPathFromPSPath(name) : Path.GetFullPath(name, "/"))],
            Packs = Pack,
            ChoosesPacks = !NoPack,
            Root = root,
        };
        WriteObject(Work("Looking for dependencies", work => Engine.GetDependencies(query, e => work.WriteError(Errors.Of(e, e.TargetName)!))), enumerateCollection: true);
    });
}
