using System.Collections;
using System.Management.Automation;
using Cage.Engine.Roots;
using Cage.Engine.State;
using Cage.Engine.Store;

namespace Cage.PowerShell.Commands;

/// <summary>New-Cage: makes a cage, whole or not at all: one that is written to and started, or a read-only layer for others.</summary>
[Cmdlet(VerbsCommon.New, "Cage", DefaultParameterSetName = WritableSet, SupportsShouldProcess = true)]
[OutputType(typeof(CageInfo))]
public sealed partial class NewCageCommand : CageCmdlet
{
    private const string WritableSet = "Writable", ReadOnlySet = "ReadOnly";

    /// <summary>Its name. Names need not be unique.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string Name { get; set; } = "";

    /// <summary>The read-only cages below it, the topmost first: names, ids, or cages from Get-Cage.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [CageReference]
    [ArgumentCompleter(typeof(CageBaseCompleter))]
    public string[] Base { get; set; } = [];

    /// <summary>How much of the host it sees while it runs; Jail by default.</summary>
    [Parameter(ParameterSetName = WritableSet, ValueFromPipelineByPropertyName = true)]
    public CageIsolation Isolation { get; set; } = CageIsolation.Jail;

    /// <summary>What its /dev is: its own (Private) by default, or the Host's; or rules about what its own has besides.</summary>
    [Parameter(ParameterSetName = WritableSet, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(DeviceCompleter))]
    public string[] Device { get; set; } = [];

    /// <summary>Capabilities that root in a Jail has besides the default ones (capabilities(7)), with or without CAP_; ALL for every one.</summary>
    [Parameter(ParameterSetName = WritableSet)]
    [ArgumentCompleter(typeof(CapabilityCompleter))]
    public string[] CapabilityAdd { get; set; } = [];

    /// <summary>Capabilities that root in a Jail is not to have; ALL begins with none.</summary>
    [Parameter(ParameterSetName = WritableSet)]
    [ArgumentCompleter(typeof(CapabilityCompleter))]
    public string[] CapabilityDrop { get; set; } = [];

    /// <summary>Whether the system calls of a Jail are filtered.</summary>
    [Parameter(ParameterSetName = WritableSet)]
    public SystemCallMode Seccomp { get; set; }

    /// <summary>System calls that the filter allows besides, by name.</summary>
    [Parameter(ParameterSetName = WritableSet)]
    public string[] SeccompAllow { get; set; } = [];

    /// <summary>System calls that the filter denies besides, by name.</summary>
    [Parameter(ParameterSetName = WritableSet)]
    public string[] SeccompDeny { get; set; } = [];

    /// <summary>Whether set-user-ID programs (sudo, su) work in a Jail; they do not by default.</summary>
    [Parameter(ParameterSetName = WritableSet)]
    public SetuidMode Setuid { get; set; }

    /// <summary>Which abstract sockets a Jail reaches on the host's network; its own by default.</summary>
    [Parameter(ParameterSetName = WritableSet)]
    public SocketView Sockets { get; set; }

    /// <summary>Gives a Jail a user namespace, so that its root is nobody outside: auto for a range of the host's ids that no other cage has, FIRST:COUNT for these, none for none.</summary>
    [Parameter(ParameterSetName = WritableSet)]
    [ArgumentCompleter(typeof(UserNamespaceCompleter))]
    public string UserNamespace { get; set; } = "none";

    /// <summary>Variables that its commands get.</summary>
    [Parameter(ParameterSetName = WritableSet)]
    public IDictionary? Environment { get; set; }

    /// <summary>Makes a read-only cage.</summary>
    [Parameter(ParameterSetName = ReadOnlySet)]
    public SwitchParameter ReadOnly { get; set; }

    /// <summary>The directory that its files come from; empty by default.</summary>
    [Parameter(ParameterSetName = ReadOnlySet, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string? Source { get; set; }

    /// <summary>What becomes of that directory; it is linked to by default.</summary>
    [Parameter(ParameterSetName = ReadOnlySet, ValueFromPipelineByPropertyName = true)]
    public SourceMode SourceMode { get; set; } = SourceMode.Link;

    /// <summary>Commands of the host's that are to be in it, with all that they need.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(HostCommandCompleter))]
    public string[] Command { get; set; } = [];

    /// <summary>Files and folders of the host's that are to be in it.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] File { get; set; } = [];

    /// <summary>Packs that are to be in it, besides those that the commands choose.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(PackCompleter))]
    public string[] Pack { get; set; } = [];

    /// <summary>Leaves out the packs that the commands choose.</summary>
    [Parameter]
    public SwitchParameter NoPack { get; set; }

    /// <summary>Keeps setuid and setgid bits of what is put in.</summary>
    [Parameter]
    public SwitchParameter KeepSetuid { get; set; }

    /// <summary>A description, of several lines perhaps.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [AllowEmptyString]
    public string Memo { get; set; } = "";

    /// <summary>Its id; a random one by default. The nil UUID, read-only, is the host's.</summary>
    [Parameter]
    public Guid? Id { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(Name, () =>
    {
        var (view, devices) = DeviceList.Split(Device);
        NewCage request = new()
        {
            Name = Name,
            Id = Id ?? Guid.NewGuid(),
            Kind = ReadOnly ? CageKind.ReadOnly : CageKind.Writable,
            Memo = Memo,
            Base = [.. Base.Select(Engine.FindBase)],
            Isolation = Isolation,
            Device = view,
            Devices = devices,
            Privileges = new CagePrivileges
            {
                CapabilityAdd = CapabilityAdd,
                CapabilityDrop = CapabilityDrop,
                SystemCalls = Seccomp,
                SystemCallAllow = SeccompAllow,
                SystemCallDeny = SeccompDeny,
                Setuid = Setuid,
                Sockets = Sockets,
                UserNamespace = CageSettings.Users(UserNamespace),
            },
            Environment = Values.Variables(Environment),
            Binds = this.Binds(),
            Tmpfs = this.TmpfsList(),
            Network = this.NetworkFrom(CageNetwork.Host, IsGiven, Engine.Store),
            Limits = this.Limits(CageLimits.None, IsGiven),
            Source = Source is null ? null : GetUnresolvedProviderPathFromPSPath(Source),
            SourceMode = SourceMode,
        };
        if (!ShouldProcess($"{Name} in {Engine.Store.Settings.Data}")) return;
        using ProgressBar bar = new(this, $"Making {Name}");
        CageInfo cage = Engine.Create(request, Contents(), WriteWarning, bar.Show, Stop);
        WriteVerbose($"\"{cage.Name}\" is made: {cage.Path}.");
        WriteObject(cage);
    });

    private RootRequest Contents() => new()
    {
        Commands = [.. Command.Select(command => command.Contains('/') ? GetUnresolvedProviderPathFromPSPath(command) : command)],
        Files = [.. File.Select(GetUnresolvedProviderPathFromPSPath)],
        Packs = Pack,
        ChoosesPacks = !NoPack,
        KeepsSetuid = KeepSetuid,
    };
}
