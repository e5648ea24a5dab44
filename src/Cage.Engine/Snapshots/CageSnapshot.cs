using System.Globalization;
using System.IO.Enumeration;
using Cage.Engine.Store;

namespace Cage.Engine.Snapshots;

/// <summary>What a tree nested in a snapshot's source is.</summary>
public enum NestedKind
{
    /// <summary>A btrfs subvolume of its own.</summary>
    Subvolume,

    /// <summary>Another file system, or another part of one, mounted there.</summary>
    Mount,
}

/// <summary>What becomes of a tree that is nested in a snapshot's source, since none comes along by itself.</summary>
public enum NestedDecision
{
    /// <summary>It is brought along: as a snapshot where it is a subvolume of the same file system, as a copy otherwise.</summary>
    Snapshot,

    /// <summary>Its directory is left out.</summary>
    Skip,

    /// <summary>Its directory is there without what is mounted on it, which mostly means empty.</summary>
    Empty,
}

/// <summary>A tree nested in a snapshot's source, with what was decided for it.</summary>
/// <param name="Path">Where it is on the host.</param>
/// <param name="Kind">What it is.</param>
/// <param name="FileSystem">Its type: <c>btrfs</c>, <c>proc</c>.</param>
/// <param name="Decision">What became of it.</param>
public sealed record NestedTree(string Path, NestedKind Kind, string FileSystem, NestedDecision Decision);

/// <summary>A snapshot of a directory, mostly of the whole host. [000] [004]</summary>
public sealed record CageSnapshot
{
    /// <summary>When it was made, as yyyyMMddHHmmss in local time; <c>-1</c> and so on follow where that second had one already.</summary>
    public required string Name { get; init; }

    /// <summary>Its directory, subvolume or link.</summary>
    public required string Path { get; init; }

    /// <summary>What was noted about it (the .txt file beside it).</summary>
    public string Note { get; init; } = "";

    /// <summary>The directory that it was made of; null where that is not known, since it was made by hand.</summary>
    public string? Source { get; init; }

    /// <summary>How it was made; null where that is not known.</summary>
    public SnapshotProvider? Provider { get; init; }

    /// <summary>Whether it stands for the host, so that <c>--base host</c> and the nil UUID may take it.</summary>
    public bool OfHost { get; init; }

    /// <summary>Whether the nil UUID's root leads to it now.</summary>
    public bool IsHost { get; init; }

    /// <summary>Whether the command that made or removed it was killed: it is no snapshot, and removing clears it.</summary>
    public bool IsUnfinished { get; init; }

    /// <summary>The id of the read-only cage that stands for it; null where there is none.</summary>
    public Guid? CageId { get; init; }

    /// <summary>What is nested in its source, of a snapshot just made; none otherwise.</summary>
    public IReadOnlyList<NestedTree> Nested { get; init; } = [];

    /// <summary>When it was made, by its name; null for a name that is no time.</summary>
    public DateTimeOffset? CreationTime =>
        DateTime.TryParseExact(Name.Split('-')[0], SnapshotFolder.Stamp, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out DateTime time) ? new DateTimeOffset(time) : null;

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>What a new snapshot is to be.</summary>
public sealed record NewSnapshot
{
    /// <summary>The directory.</summary>
    public string Source { get; init; } = "/";

    /// <summary>How; null to take the best that the file system has.</summary>
    public SnapshotProvider? Provider { get; init; }

    /// <summary>What is noted about it.</summary>
    public string Note { get; init; } = "";

    /// <summary>Whether it stands for the host though it was made of another directory.</summary>
    public bool AsHost { get; init; }

    /// <summary>What becomes of nested trees, by their paths on the host; Empty for those not named.</summary>
    public IReadOnlyDictionary<string, NestedDecision> Nested { get; init; } = new Dictionary<string, NestedDecision>();

    /// <summary>Paths on the host that Reflink and Copy leave out; <c>*</c> and <c>?</c> stand for any characters.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    internal bool IsExcluded(string path) => Exclude.Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, path, ignoreCase: false));
}
