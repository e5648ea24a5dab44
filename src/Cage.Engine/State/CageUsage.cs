namespace Cage.Engine.State;

/// <summary>Who has counted.</summary>
public enum UsageSource
{
    /// <summary>Nobody: the cage does not run.</summary>
    None,

    /// <summary>The cage's control group: all that ever ran in it since the start.</summary>
    Group,

    /// <summary>The processes that are in it now, added up; what has ended is not in it.</summary>
    Processes,
}

/// <summary>What a cage uses at this moment.</summary>
public sealed record CageUsage
{
    /// <summary>The cage's name.</summary>
    public required string Cage { get; init; }

    /// <summary>The cage's id.</summary>
    public required Guid CageId { get; init; }

    /// <summary>Running, Suspended or Stopped.</summary>
    public required CageState State { get; init; }

    /// <summary>Processor time since the start.</summary>
    public TimeSpan ProcessorTime { get; init; }

    /// <summary>Who has counted that.</summary>
    public UsageSource ProcessorTimeSource { get; init; }

    /// <summary>Bytes of memory: of the group, page cache included, or of the processes, each page that several share split among them.</summary>
    public long Memory { get; init; }

    /// <summary>Who has counted that.</summary>
    public UsageSource MemorySource { get; init; }

    /// <summary>How many processes it has, its init included.</summary>
    public int Processes { get; init; }

    /// <summary>Bytes read from disks.</summary>
    public long BytesRead { get; init; }

    /// <summary>Bytes written to disks.</summary>
    public long BytesWritten { get; init; }

    /// <summary>Who has counted those.</summary>
    public UsageSource IOSource { get; init; }

    /// <summary>Bytes of its own files, as their sizes add up. Its bases are not its own, nor is a directory that it is only linked to.</summary>
    public long DiskApparent { get; init; }

    /// <summary>Bytes that these take on the disk.</summary>
    public long DiskAllocated { get; init; }

    /// <summary>Of those, the bytes that no other file shares: what a removal would free.</summary>
    public long DiskExclusive { get; init; }

    internal static CageUsage Of(CageInfo cage, CancellationToken cancellation)
    {
        DiskUsage disk = DiskUsage.Of(cage.Record.RootPath, cancellation);
        CageUsage usage = new()
        {
            Cage = cage.Name, CageId = cage.Id, State = cage.State, DiskApparent = disk.Apparent, DiskAllocated = disk.Allocated, DiskExclusive = disk.Exclusive,
        };
        return cage.State == CageState.Stopped ? usage : new RunningUsage(cage).AddTo(usage);
    }
}
