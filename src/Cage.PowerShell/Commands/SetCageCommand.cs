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
        nameof(Isolation), nameof(Device), nameof(Environment), nameof(StartScript), nameof(StopScript), nameof(CapabilityAdd), nameof(CapabilityDrop),
        nameof(Seccomp), nameof(SeccompAllow), nameof(SeccompDeny), nameof(Setuid), nameof(Sockets), nameof(UserNamespace),
        .. CageSettings.LimitNames, .. CageSettings.ShareNames, .. CageSettings.NetworkNames,
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
    [AllowEmptyCollection]
    [CageReference]
    [ArgumentCompleter(typeof(CageBaseCompleter))]
    public string[] Base { get; set; } = [];

    /// <summary>How much of the host it is to see while it runs.</summary>
    [Parameter]
    public CageIsolation Isolation { get; set; }

    /// <summary>What its /dev is to be: its own (Private) or the Host's; or rules about what its own is to have besides.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(DeviceCompleter))]
    public string[] Device { get; set; } = [];

    /// <summary>Capabilities that root in a Jail has besides the default ones (capabilities(7)), with or without CAP_; ALL for every one.</summary>
    [Parameter]
    [AllowEmptyCollection]
    [ArgumentCompleter(typeof(CapabilityCompleter))]
    public string[] CapabilityAdd { get; set; } = [];

    /// <summary>Capabilities that root in a Jail is not to have; ALL begins with none.</summary>
    [Parameter]
    [AllowEmptyCollection]
    [ArgumentCompleter(typeof(CapabilityCompleter))]
    public string[] CapabilityDrop { get; set; } = [];

    /// <summary>Whether the system calls of a Jail are filtered.</summary>
    [Parameter]
    public SystemCallMode Seccomp { get; set; }

    /// <summary>System calls that the filter allows besides, by name.</summary>
    [Parameter]
    [AllowEmptyCollection]
    public string[] SeccompAllow { get; set; } = [];

    /// <summary>System calls that the filter denies besides, by name.</summary>
    [Parameter]
    [AllowEmptyCollection]
    public string[] SeccompDeny { get; set; } = [];

    /// <summary>Whether set-user-ID programs (sudo, su) work in a Jail; they do not by default.</summary>
    [Parameter]
    public SetuidMode Setuid { get; set; }

    /// <summary>Which abstract sockets a Jail reaches on the host's network; its own by default.</summary>
    [Parameter]
    public SocketView Sockets { get; set; }

    /// <summary>Gives a Jail a user namespace, so that its root is nobody outside: auto for a range of the host's ids that no other cage has, FIRST:COUNT for these, none for none.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(UserNamespaceCompleter))]
    public string UserNamespace { get; set; } = "none";

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
        CageBind[] binds = this.Binds();
        CageTmpfs[] tmpfs = this.TmpfsList();
        IdRange? users = CageSettings.Users(UserNamespace);
        if (!ShouldProcess(Describe(cage))) return;
        CageInfo changed = Engine.Change(
            cage.Record,
            before => before with
            {
                Name = IsGiven(nameof(NewName)) ? NewName : before.Name,
                Memo = IsGiven(nameof(Memo)) ? Memo : before.Memo,
                Base = IsGiven(nameof(Base)) ? bases : before.Base,
                Isolation = IsGiven(nameof(Isolation)) ? Isolation : before.Isolation,
                Device = IsGiven(nameof(Device)) ? DeviceList.Split(Device).View : before.Device,
                Devices = IsGiven(nameof(Device)) ? DeviceList.Split(Device).Given : before.Devices,
                Privileges = before.Privileges with
                {
                    CapabilityAdd = IsGiven(nameof(CapabilityAdd)) ? CapabilityAdd : before.Privileges.CapabilityAdd,
                    CapabilityDrop = IsGiven(nameof(CapabilityDrop)) ? CapabilityDrop : before.Privileges.CapabilityDrop,
                    SystemCalls = IsGiven(nameof(Seccomp)) ? Seccomp : before.Privileges.SystemCalls,
                    SystemCallAllow = IsGiven(nameof(SeccompAllow)) ? SeccompAllow : before.Privileges.SystemCallAllow,
                    SystemCallDeny = IsGiven(nameof(SeccompDeny)) ? SeccompDeny : before.Privileges.SystemCallDeny,
                    Setuid = IsGiven(nameof(Setuid)) ? Setuid : before.Privileges.Setuid,
                    Sockets = IsGiven(nameof(Sockets)) ? Sockets : before.Privileges.Sockets,
                    UserNamespace = IsGiven(nameof(UserNamespace)) ? users : before.Privileges.UserNamespace,
                },
                Environment = IsGiven(nameof(Environment)) ? Values.Variables(Environment) : before.Environment,
                Start = IsGiven(nameof(StartScript)) ? StartScript : before.Start,
                Binds = IsGiven(nameof(Bind)) ? binds : before.Binds,
                Tmpfs = IsGiven(nameof(Tmpfs)) ? tmpfs : before.Tmpfs,
                Network = this.NetworkFrom(before.Network, IsGiven, Engine.Store),
                Limits = this.Limits(before.Limits, IsGiven),
                Stop = IsGiven(nameof(StopScript)) ? StopScript : before.Stop,
            },
            Stop);
        if (PassThru) WriteObject(changed);
    }
}
