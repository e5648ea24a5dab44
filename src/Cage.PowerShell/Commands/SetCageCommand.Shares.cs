using System.Management.Automation;

namespace Cage.PowerShell.Commands;

/// <content>What of the host the cage sees, on purpose.</content>
public sealed partial class SetCageCommand : IShareParameters
{
    /// <summary>Files, folders and sockets of the host that it sees too: "SOURCE:TARGET", "SOURCE:TARGET:ro"; options are ro, noexec, suid, dev and idmap; an empty list takes them away.</summary>
    [Parameter]
    public string[] Bind { get; set; } = [];

    /// <summary>Folders in it that are empty at each start and kept in memory: "TARGET", "TARGET:64M"; an empty list takes them away.</summary>
    [Parameter]
    public string[] Tmpfs { get; set; } = [];
}
