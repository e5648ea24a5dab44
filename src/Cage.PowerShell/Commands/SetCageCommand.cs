using System.Collections;
using System.Management.Automation;
using Cage.Engine;
using Cage.Engine.State;
using Cage.Engine.Store;

namespace Cage.PowerShell.Commands;

/// <summary>Set-Cage: changes what a cage's cage.conf says; comments and unknown keys in it stay. Only what is given is changed.</summary>
[Cmdlet(VerbsCommon.Set, "Cage", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(CageInfo))]
public sealed partial class SetCageCommand : CageTargetCmdlet
{
    private static readonly string[] _writableOnly =
    [
        nameof(Isolation), nameof(Environment), nameof(StartScript), nameof(StopScript),
        .. CageSettings.PrivilegeNames, .. CageSettings.LimitNames, .. CageSettings.ShareNames, .. CageSettings.NetworkNames,
    ];

    /// <summary>Another name.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string NewName { get; set; } = "";

    /// <summary>Another description; an empty one takes it away.</summary>
    [Parameter]
    [AllowEmptyString]
    public string Memo { get; set; } = "";

    /// <summary>Other read-only cages below it, the topmost first: names, ids, or cages from Get-Cage; an empty list takes them away.</summary>
    [Parameter]
    [CageReference]
    [ArgumentCompleter(typeof(CageBaseCompleter))]
    public string[] Base { get; set; } = [];

    /// <summary>How much of the host it is to see while it runs.</summary>
    [Parameter]
    public CageIsolation Isolation { get; set; }

    /// <summary>The variables that its commands are to get, in place of those it has.</summary>
    [Parameter]
    [AllowNull]
    public IDictionary? Environment { get; set; }

    /// <summary>The script in the cage's folder that is run inside after a start; an empty name for none.</summary>
    [Parameter]
    [AllowEmptyString]
    public string StartScript { get; set; } = "";

    /// <summary>The script in the cage's folder that is run inside before a stop; an empty name for none.</summary>
    [Parameter]
    [AllowEmptyString]
    public string StopScript { get; set; } = "";

    /// <summary>Writes the changed cages.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override void Act(CageInfo cage)
    {
        if (cage.Kind == CageKind.ReadOnly && _writableOnly.FirstOrDefault(IsGiven) is string useless)
            throw new CageException(CageError.CageArgumentInvalid, $"\"{cage.Name}\" is read-only, is never started, and has no {useless}.", target: cage.Name);
        Guid[] bases = [.. Base.Select(Engine.FindBase)];
        CageBind[] binds = this.Binds(SessionState);
        CageTmpfs[] tmpfs = this.TmpfsList();
        _ = this.Privileges(cage.Record.Privileges, IsGiven);
        if (!ShouldProcess(Describe(cage))) return;
        CageInfo changed = Work($"Changing {cage.Name}", work => Engine.Change(
            cage.Record,
            before => before with
            {
                Name = IsGiven(nameof(NewName)) ? NewName : before.Name,
                Memo = IsGiven(nameof(Memo)) ? Memo : before.Memo,
                Base = IsGiven(nameof(Base)) ? bases : before.Base,
                Isolation = IsGiven(nameof(Isolation)) ? Isolation : before.Isolation,
                Device = IsGiven(nameof(Device)) ? DeviceList.Split(Device).View : before.Device,
                Devices = IsGiven(nameof(Device)) ? DeviceList.Split(Device).Given : before.Devices,
                Privileges = this.Privileges(before.Privileges, IsGiven),
                Environment = IsGiven(nameof(Environment)) ? Values.Variables(Environment) : before.Environment,
                Start = IsGiven(nameof(StartScript)) ? StartScript : before.Start,
                Binds = IsGiven(nameof(Bind)) ? binds : before.Binds,
                Tmpfs = IsGiven(nameof(Tmpfs)) ? tmpfs : before.Tmpfs,
                Network = this.NetworkFrom(before.Network, IsGiven, Engine.Store),
                Limits = this.Limits(before.Limits, IsGiven),
                Stop = IsGiven(nameof(StopScript)) ? StopScript : before.Stop,
            },
            work.Stop));
        WriteVerbose($"\"{changed.Name}\" has another {string.Join(", ", MyInvocation.BoundParameters.Keys.Where(IsSetting).Order(StringComparer.Ordinal))} now.");
        if (PassThru) WriteObject(changed);
    }

    private static bool IsSetting(string parameter) => _writableOnly.Contains(parameter) || parameter is nameof(NewName) or nameof(Memo) or nameof(Base);
}
