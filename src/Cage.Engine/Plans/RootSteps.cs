using Cage.Interop;

namespace Cage.Engine.Plans;

/// <summary>Makes every mount of the new namespace private, so that nothing done in it reaches the host (mount_namespaces(7)). [001]</summary>
internal sealed record IsolatePropagation : PortableStep
{
    public override string Action => "make all mounts private";

    public override string Target => "/";

    internal override CageError Failure => CageError.CageMountFailed;

    internal override void Do(StepContext context)
    {
        using Descriptor root = Files.Open("/", Files.O_PATH | Files.O_DIRECTORY);
        Mounts.SetAttributes(root, 0, Mounts.MS_PRIVATE, recursive: true);
    }

    internal override void Write(WireWriter wire)
    {
    }

    public static PortableStep Read(ref WireReader wire) => new IsolatePropagation();
}

/// <summary>A tmpfs for the upper of a cage that is not kept, with the folders that overlayfs needs.</summary>
internal sealed record MountScratch(string Path) : PortableStep
{
    public const string Upper = "upper", Work = "work", MountPoint = "mnt";

    public override string Action => "mount tmpfs for what is written";

    public override string Target => Path;

    public override string UndoAction => "goes with the mount namespace";

    internal override CageError Failure => CageError.CageMountFailed;

    internal override void Do(StepContext context)
    {
        using Descriptor configuration = Mounts.OpenFileSystem("tmpfs");
        Mounts.SetOption(configuration, "mode", "0755");
        Descriptor mount = Mounts.Create(configuration, 0);
        context.Attached(this, mount);
        foreach (string name in (ReadOnlySpan<string>)[Upper, Work, MountPoint]) Files.MakeDirectoryAt(mount, name, 0x1ed);
        using Descriptor target = Files.Open(Path, Files.O_PATH | Files.O_DIRECTORY);
        Mounts.Attach(mount, target);
    }

    internal override void Undo(StepContext context) => context.Detach(this);

    internal override void Write(WireWriter wire) => wire.Text(Path);

    public static PortableStep Read(ref WireReader wire) => new MountScratch(wire.Text());
}

/// <summary>A cage without a base: its own directory is its root (mount(2), MS_BIND).</summary>
/// <param name="Source">That directory.</param>
/// <param name="Path">Where.</param>
/// <param name="Attributes">MOUNT_ATTR_* bits.</param>
/// <param name="Mapped">Whether its files belong to the ids of the cage's user namespace.</param>
internal sealed record BindRoot(string Source, string Path, ulong Attributes = 0, bool Mapped = false) : PortableStep
{
    public override string Action => $"bind {Source}{MountFileSystem.Flags(Attributes)}{(Mapped ? " idmap" : "")}";

    public override string Target => Path;

    public override string UndoAction => $"unmount {Path}";

    internal override CageError Failure => CageError.CageMountFailed;

    internal override void Do(StepContext context)
    {
        Descriptor mount = Mounts.CloneTree(Source);
        context.Attached(this, mount, isRoot: true);
        if (Attributes != 0) Mounts.SetAttributes(mount, Attributes);
        if (Mapped) Mounts.MapOwners(mount, context.Users!, Source);
        using Descriptor target = Files.Open(Path, Files.O_PATH | Files.O_DIRECTORY | Files.O_NOFOLLOW);
        Mounts.Attach(mount, target);
    }

    internal override void Undo(StepContext context) => context.Detach(this);

    internal override void Write(WireWriter wire) => wire.Text(Source).Text(Path).Number((long)Attributes).Number(Mapped ? 1 : 0);

    public static PortableStep Read(ref WireReader wire) => new BindRoot(wire.Text(), wire.Text(), (ulong)wire.Number(), wire.Number() != 0);
}

/// <summary>Makes the cage's root the root of its mount namespace and lets go of the host's (pivot_root(2)). [001]</summary>
internal sealed record PivotRoot : PortableStep
{
    public override string Action => "pivot_root, detach the old root";

    public override string Target => "/";

    internal override CageError Failure => CageError.CageMountFailed;

    internal override void Do(StepContext context) => Mounts.PivotInto(context.Root);

    internal override void Write(WireWriter wire)
    {
    }

    public static PortableStep Read(ref WireReader wire) => new PivotRoot();
}

/// <summary>Gives the cage's uts namespace a name of its own (sethostname(2)).</summary>
internal sealed record NameHost(string Name) : PortableStep
{
    public override string Action => "set the host name";

    public override string Target => Name;

    internal override void Do(StepContext context) => Host.SetHostName(Name);

    internal override void Write(WireWriter wire) => wire.Text(Name);

    public static PortableStep Read(ref WireReader wire) => new NameHost(wire.Text());
}
