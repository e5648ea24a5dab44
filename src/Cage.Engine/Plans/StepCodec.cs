namespace Cage.Engine.Plans;

/// <summary>The closed set of steps that an init can be sent, by number.</summary>
internal static class StepCodec
{
    private delegate PortableStep Reader(ref WireReader wire);

    private static readonly (Type Type, Reader Read)[] _kinds =
    [
        (typeof(IsolatePropagation), IsolatePropagation.Read),
        (typeof(ActAsCageRoot), ActAsCageRoot.Read),
        (typeof(MountScratch), MountScratch.Read),
        (typeof(MountOverlay), MountOverlay.Read),
        (typeof(BindRoot), BindRoot.Read),
        (typeof(MakeFolder), MakeFolder.Read),
        (typeof(MountFileSystem), MountFileSystem.Read),
        (typeof(MakeDevices), MakeDevices.Read),
        (typeof(HidePaths), HidePaths.Read),
        (typeof(ProtectPaths), ProtectPaths.Read),
        (typeof(ShareResolver), ShareResolver.Read),
        (typeof(MakePath), MakePath.Read),
        (typeof(BindHost), BindHost.Read),
        (typeof(RaiseLoopback), RaiseLoopback.Read),
        (typeof(PivotRoot), PivotRoot.Read),
        (typeof(NameHost), NameHost.Read),
        (typeof(GiveUpPrivileges), GiveUpPrivileges.Read),
    ];

    public static void Write(WireWriter wire, PortableStep step)
    {
        wire.Number(Array.FindIndex(_kinds, kind => kind.Type == step.GetType()));
        step.Write(wire);
    }

    public static PortableStep Read(ref WireReader wire) => _kinds[wire.Number()].Read(ref wire);
}
