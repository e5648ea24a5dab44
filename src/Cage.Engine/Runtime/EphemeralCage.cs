using Cage.Engine.State;

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
        if (Info.Record.Isolation != Store.CageIsolation.Jail) CageProcesses.Kill(Info);
        _host.EndInit();
        if (Info.Record.Network.Mode == Store.NetworkMode.Private) new Network.PrivateNetwork(Info.Id).Disconnect();
        bool limited = !Info.Record.Limits.IsEmpty;
        if (limited) LegacyGroups.Remove(Info.Id);
        bool last = ControlGroup.Of(Info.Id)?.Remove() ?? true;
        _host.Dispose();
        if (!last) ControlGroup.Sweep();
        if (limited) LegacyGroups.Sweep();
    }
}
