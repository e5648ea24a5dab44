using System.Management.Automation;
using Cage.Engine.Store;

namespace Cage.PowerShell.Commands;

/// <content>The network that the cage has.</content>
public sealed partial class NewCageCommand : INetworkParameters
{
    /// <summary>The host's network, none, or a private one behind the host's; a Jail only has one of its own.</summary>
    [Parameter(ParameterSetName = WritableSet)]
    public NetworkMode Network { get; set; }

    /// <summary>The IPv4 address of the private network; by default the first that is free.</summary>
    [Parameter(ParameterSetName = WritableSet)]
    public string? Address { get; set; }

    /// <summary>Ports of the host that lead to the private network: "8080:80", "127.0.0.1:8080:80", "53:53/udp".</summary>
    [Parameter(ParameterSetName = WritableSet)]
    public string[] Publish { get; set; } = [];

    /// <summary>Who may reach the private network directly: names or ids of cages, cages from Get-Cage, or networks such as 192.168.0.0/16.</summary>
    [Parameter(ParameterSetName = WritableSet)]
    [CageReference]
    [ArgumentCompleter(typeof(CageNameCompleter))]
    public string[] AllowFrom { get; set; } = [];
}
