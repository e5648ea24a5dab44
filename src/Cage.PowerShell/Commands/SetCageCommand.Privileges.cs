using System.Management.Automation;
using Cage.Engine.Store;

namespace Cage.PowerShell.Commands;

/// <content>The privileges that the cage has, and its devices.</content>
public sealed partial class SetCageCommand : IPrivilegeParameters
{
    /// <summary>What its /dev is to be: its own (Private) or the Host's; or rules about what its own is to have besides.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(DeviceCompleter))]
    public string[] Device { get; set; } = [];

    /// <summary>Capabilities that root in a Jail has besides the default ones (capabilities(7)), with or without CAP_; ALL for every one.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(CapabilityCompleter))]
    public string[] CapabilityAdd { get; set; } = [];

    /// <summary>Capabilities that root in a Jail is not to have; ALL begins with none.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(CapabilityCompleter))]
    public string[] CapabilityDrop { get; set; } = [];

    /// <summary>Whether the system calls of a Jail are filtered.</summary>
    [Parameter]
    public SystemCallMode Seccomp { get; set; }

    /// <summary>System calls that the filter allows besides, by name.</summary>
    [Parameter]
    public string[] SeccompAllow { get; set; } = [];

    /// <summary>System calls that the filter denies besides, by name.</summary>
    [Parameter]
    public string[] SeccompDeny { get; set; } = [];

    /// <summary>Whether set-user-ID programs (sudo, su) work in a Jail; they do not by default.</summary>
    [Parameter]
    public SetuidMode Setuid { get; set; }

    /// <summary>Which abstract sockets a Jail reaches on the host's network; its own by default.</summary>
    [Parameter]
    public SocketView Sockets { get; set; }

    /// <summary>Gives a Jail a user namespace, so that its root is nobody outside: auto for a range of the host's ids that no other cage has, FIRST:COUNT for these, none for none.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(UserNamespaceCompleter))]
    public string UserNamespace { get; set; } = "none";
}
