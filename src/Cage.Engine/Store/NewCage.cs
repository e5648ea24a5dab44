namespace Cage.Engine.Store;

/// <summary>What becomes of a source directory when it is made a read-only cage.</summary>
public enum SourceMode
{
    /// <summary><c>root</c> is a symbolic link to it.</summary>
    Link,

    /// <summary>It is copied with all attributes.</summary>
    Copy,

    /// <summary>It is moved into the store.</summary>
    Move,
}

/// <summary>What a new cage is to be.</summary>
public sealed record NewCage
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Its id; a random one by default.</summary>
    public Guid Id { get; init; } = RandomId.New();

    /// <summary>Whether it is written to.</summary>
    public CageKind Kind { get; init; } = CageKind.Writable;

    /// <summary>A description.</summary>
    public string Memo { get; init; } = "";

    /// <summary>The cages below it, the topmost first.</summary>
    public IReadOnlyList<Guid> Base { get; init; } = [];

    /// <summary>How it is entered.</summary>
    public CageIsolation Isolation { get; init; } = CageIsolation.Jail;

    /// <summary>What its <c>/dev</c> is.</summary>
    public DeviceView Device { get; init; } = DeviceView.Private;

    /// <summary>What its own <c>/dev</c> has besides the usual nodes, or has otherwise: lines that <see cref="DeviceRule.Parse"/> understands.</summary>
    public IReadOnlyList<string> Devices { get; init; } = [];

    /// <summary>What root may do in it, when it is a Jail.</summary>
    public CagePrivileges Privileges { get; init; } = new();

    /// <summary>Its own environment, NAME=value each.</summary>
    public IReadOnlyList<string> Environment { get; init; } = [];

    /// <summary>What its processes together may use.</summary>
    public CageLimits Limits { get; init; } = CageLimits.None;

    /// <summary>What of the host it sees too, in the order in which it is mounted.</summary>
    public IReadOnlyList<CageBind> Binds { get; init; } = [];

    /// <summary>What in it is empty at each start and kept in memory.</summary>
    public IReadOnlyList<CageTmpfs> Tmpfs { get; init; } = [];

    /// <summary>Which network it has; a private one without an address gets the first that is free.</summary>
    public CageNetwork Network { get; init; } = CageNetwork.Host;

    /// <summary>A directory that its files come from; read-only cages only.</summary>
    public string? Source { get; init; }

    /// <summary>Which snapshot it is to stand for; null for none.</summary>
    public SnapshotOrigin? Origin { get; init; }

    /// <summary>What becomes of that directory.</summary>
    public SourceMode SourceMode { get; init; } = SourceMode.Link;
}
