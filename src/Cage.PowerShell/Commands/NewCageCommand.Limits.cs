using System.Management.Automation;

namespace Cage.PowerShell.Commands;

/// <content>What the cage may use.</content>
public sealed partial class NewCageCommand : ILimitParameters
{
    /// <summary>Bytes of memory that all its processes together may use, page cache included: 512MB, "512M".</summary>
    [Parameter(ParameterSetName = WritableSet, ValueFromPipelineByPropertyName = true)]
    [ByteSize]
    public long? MemoryLimit { get; set; }

    /// <summary>Bytes of swap besides; 0 for none.</summary>
    [Parameter(ParameterSetName = WritableSet, ValueFromPipelineByPropertyName = true)]
    [ByteSize]
    public long? SwapLimit { get; set; }

    /// <summary>Processors' worth of time: 0.5 is half of one.</summary>
    [Parameter(ParameterSetName = WritableSet, ValueFromPipelineByPropertyName = true)]
    public decimal? CpuLimit { get; set; }

    /// <summary>The share of processor time where it is short, against the 100 that others have: 1 to 10000.</summary>
    [Parameter(ParameterSetName = WritableSet, ValueFromPipelineByPropertyName = true)]
    public int? CpuWeight { get; set; }

    /// <summary>How many processes and threads it may have, its init included.</summary>
    [Parameter(ParameterSetName = WritableSet, ValueFromPipelineByPropertyName = true)]
    public int? ProcessLimit { get; set; }

    /// <summary>The share of disk time where it is short, against the 100 that others have: 1 to 10000.</summary>
    [Parameter(ParameterSetName = WritableSet, ValueFromPipelineByPropertyName = true)]
    public int? IOWeight { get; set; }
}
