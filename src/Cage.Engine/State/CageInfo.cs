using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.State;

/// <summary>Whether a cage runs.</summary>
public enum CageState
{
    /// <summary>It does not.</summary>
    Stopped,

    /// <summary>It is mounted (Chroot) or its init runs (Pivot, Jail).</summary>
    Running,

    /// <summary>It runs, and all its processes stand still.</summary>
    Suspended,
}

/// <summary>A cage as users see it: what its conf says, and what the kernel says of it at this moment.</summary>
public sealed class CageInfo
{
    private readonly InitHint? _init;
    private readonly Descriptor? _child;

    private CageInfo(CageRecord record, InitHint? init, bool mounted, bool frozen = false, Descriptor? child = null)
    {
        Record = record;
        _init = init;
        _child = child;
        State = init is not null || mounted ? frozen ? CageState.Suspended : CageState.Running : CageState.Stopped;
        ProcessId = init?.Pid;
        RootPath = record.Kind == CageKind.ReadOnly ? record.RootPath : init is InitHint running ? $"/proc/{running.Pid}/root" : mounted ? record.MountPath : null;
    }

    /// <summary>Its id.</summary>
    public Guid Id => Record.Id;

    /// <summary>Its name.</summary>
    public string Name => Record.Name;

    /// <summary>ReadOnly or Writable.</summary>
    public CageKind Kind => Record.Kind;

    /// <summary>Running, Suspended or Stopped.</summary>
    public CageState State { get; }

    /// <summary>How it is entered; null for a read-only one, which is not.</summary>
    public CageIsolation? Isolation => Kind == CageKind.Writable ? Record.Isolation : null;

    /// <summary>The ids of the cages below it, the topmost first.</summary>
    public IReadOnlyList<Guid> Base => (Guid[])[.. Record.Base];

    /// <summary>Its description.</summary>
    public string Memo => Record.Memo;

    /// <summary>What its processes together may use.</summary>
    public CageLimits Limits => Record.Limits;

    /// <summary>What of the host it sees too.</summary>
    public IReadOnlyList<CageBind> Binds => Record.Binds;

    /// <summary>What in it is empty at each start and kept in memory.</summary>
    public IReadOnlyList<CageTmpfs> Tmpfs => Record.Tmpfs;

    /// <summary>Which network it has.</summary>
    public CageNetwork Network => Record.Network;

    /// <summary>What <c>/dev</c> it has.</summary>
    public DeviceView Device => Record.Device;

    /// <summary>The rules about what its own has besides the usual nodes, in their order.</summary>
    public IReadOnlyList<string> Devices => Record.Devices;

    /// <summary>What root in it may do, where it is not the default.</summary>
    public CagePrivileges Privileges => Record.Privileges;

    /// <summary>The host's ids that its own from 0 on stand for; null where it has no user namespace.</summary>
    public IdRange? UserNamespace => Record.Privileges.UserNamespace;

    /// <summary>Variables of all its commands, as NAME=value.</summary>
    public IReadOnlyList<string> Environment => Record.Environment;

    /// <summary>The script in its folder that is run inside after a start; empty for none.</summary>
    public string StartScript => Record.Start;

    /// <summary>The script in its folder that is run inside before a stop; empty for none.</summary>
    public string StopScript => Record.Stop;

    /// <summary>Its folder in the store.</summary>
    public string Path => Record.Path;

    /// <summary>Where the host sees its files: /proc/pid/root of a running Pivot or Jail, the mount point of a running Chroot, the
    /// directory of a read-only cage; null for a stopped one.</summary>
    public string? RootPath { get; }

    /// <summary>The number of its init on the host; null when it has none.</summary>
    public int? ProcessId { get; }

    /// <summary>Where it is mounted: in the host's view for Chroot, in its own mount namespace otherwise; null for a read-only one.</summary>
    public string? MountPoint => Kind == CageKind.Writable ? Record.MountPath : null;

    /// <summary>When its init started; null when it has none.</summary>
    public DateTimeOffset? StartTime => _init is InitHint hint ? BootClock.ToTime(hint.StartTime) : null;

    /// <summary>Whether it is the live host, <c>/</c> itself, which overlayfs makes no promise about once it changes. [000]</summary>
    public bool IsLive => Record.IsLive;

    /// <summary>What its conf says.</summary>
    public CageRecord Record { get; }

    /// <summary>Asks the kernel about a cage.</summary>
    public static CageInfo Of(StoreSettings settings, CageRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        if (record.Kind == CageKind.ReadOnly) return new CageInfo(record, null, mounted: false);
        InitHint? init = InitHint.Read(settings, record.Id);
        bool mounted = init is null && Files.Status(record.MountPath) is { IsMountRoot: true };
        return new CageInfo(record, init, mounted, (init is not null || mounted) && Freezer.IsFrozen(record.Id));
    }

    /// <summary>A cage that is not stored, by the init that its starter has as a child and has not waited for: its number is nobody else's.</summary>
    internal static CageInfo OfInit(CageRecord record, SpawnedProcess init) =>
        new(record, ProcessStat.Read(init.Id) is ProcessStat stat ? new InitHint(init.Id, stat.StartTime) : null, mounted: false, child: init.Handle);

    /// <summary>The same once it goes on.</summary>
    internal CageInfo Resumed() => new(Record, _init, State != CageState.Stopped);

    /// <summary>A pidfd of the very init that this object tells of; null when it has ended or there is none.</summary>
    internal Descriptor? OpenInit()
    {
        if (_child is { IsClosed: false }) return Channels.Duplicate(_child.Number);
        if (_init is not InitHint hint || Processes.TryOpen(hint.Pid) is not Descriptor handle) return null;
        if (ProcessStat.Read(hint.Pid) is ProcessStat stat && stat.StartTime == hint.StartTime) return handle;
        handle.Dispose();
        return null;
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
