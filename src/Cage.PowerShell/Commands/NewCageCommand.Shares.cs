using System.Management.Automation;

namespace Cage.PowerShell.Commands;

/// <content>What of the host the cage sees, on purpose.</content>
public sealed partial class NewCageCommand : IShareParameters
{
    /// <summary>Files, folders and sockets of the host that it sees too: "SOURCE:TARGET", "SOURCE:TARGET:ro"; options are ro, noexec, suid, dev and idmap.</summary>
    [Parameter(ParameterSetName = WritableSet)]
    public string[] Bind { get; set; } = [];

    /// <summary>Folders in it that are empty at each start and kept in memory: "TARGET", "TARGET:64M".</summary>
    [Parameter(ParameterSetName = WritableSet)]
    public string[] Tmpfs { get; set; } = [];
}
