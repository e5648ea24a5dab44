using Cage.Engine.State;
using Cage.Engine.Store;

namespace Cage.Engine.Runtime;

/// <summary>A running cage that is not kept: it leaves nothing when disposed.</summary>
public sealed class EphemeralCage : IDisposable
{
    private readonly HostContext _host;

    internal EphemeralCage(HostContext host, CageInfo info)
    {
        _host = host;
        Info = info;
    }

    /// <summary>The cage, to run commands in.</summary>
    public CageInfo Info { get; }

    /// <summary>Ends what runs in it; the kernel takes its files and mounts away with its init.</summary>
    public void Dispose()
    {
        if (Info.Record.Isolation != CageIsolation.Jail) CageProcesses.Kill(Info);
        _host.EndInit();
        _host.EndLogFollower();
        if (Info.Record.Network.Mode == NetworkMode.Private) new Network.PrivateNetwork(Info.Id).Disconnect();
        if (!Info.Record.Limits.IsEmpty) LegacyGroups.Remove(Info.Id);
        ControlGroup.Of(Info.Id)?.Remove();
        _host.Dispose();
    }

    /// <summary>Takes away the groups of others whose command was killed.</summary>
    internal static void Sweep(CageRecord record)
    {
        ControlGroup.Sweep();
        if (!record.Limits.IsEmpty) LegacyGroups.Sweep();
    }
}
