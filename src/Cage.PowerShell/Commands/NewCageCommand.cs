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
            Id = Id ?? RandomId.New(),
            Kind = ReadOnly ? CageKind.ReadOnly : CageKind.Writable,
            Memo = Memo,
            Base = [.. Base.Select(Engine.FindBase)],
            Isolation = Isolation,
            Device = view,
            Devices = devices,
            Privileges = this.Privileges(new CagePrivileges(), IsGiven),
            Environment = Values.Variables(Environment),
            Binds = this.Binds(SessionState),
            Tmpfs = this.TmpfsList(),
            Network = this.NetworkFrom(CageNetwork.Host, IsGiven, Engine.Store),
            Limits = this.Limits(CageLimits.None, IsGiven),
            Source = Source is null ? null : GetUnresolvedProviderPathFromPSPath(Source),
            SourceMode = SourceMode,
        };
        if (!ShouldProcess($"{Name} in {Engine.Store.Settings.Data}")) return;
        RootRequest contents = Contents();
        CageInfo cage = Work($"Making {Name}", work => contents.IsEmpty
            ? Engine.Create(request, work.Show, work.Stop)
            : Engine.Create(request, contents, work.Warn, work.Show, work.Stop));
        WriteVerbose($"\"{cage.Name}\" is made: {cage.Path}.");
        WriteObject(cage);
    });
}
