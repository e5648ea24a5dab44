using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Plans;

/// <summary>Makes a path in the root, folder by folder, where it is missing: in the upper, or in a tmpfs that is mounted on the way.</summary>
internal sealed record MakePath(string Path) : PortableStep
{
    public override string Action => "make the path if it is missing";

    public override string Target => $"/{Path}";

    internal override void Do(StepContext context) => Ensure(context.Root, Path);

    public static void Ensure(Descriptor root, string path)
    {
        for (int slash = path.IndexOf('/'); slash >= 0; slash = path.IndexOf('/', slash + 1)) MakeFolder.Ensure(root, path[..slash], 0x1ed);
        MakeFolder.Ensure(root, path, 0x1ed);
    }

    internal override void Write(WireWriter wire) => wire.Text(Path);

    public static PortableStep Read(ref WireReader wire) => new MakePath(wire.Text());
}

/// <summary>Lays a file, folder or socket of the host over a place in the root, with what is mounted beneath it. The source is opened before the
/// pivot, through no symbolic link, and the target inside the root: neither end is looked up twice.</summary>
/// <param name="Source">On the host.</param>
/// <param name="Path">In the root.</param>
/// <param name="Attributes">MOUNT_ATTR_* bits.</param>
/// <param name="Mapped">Whether its files belong to the ids of the cage's user namespace.</param>
internal sealed record BindHost(string Source, string Path, ulong Attributes, bool Mapped = false) : PortableStep
{
    public BindHost(CageBind bind)
        : this(bind.Source, bind.Target[1..], AttributesOf(bind), bind.MapsOwners)
    {
    }

    public override string Action => $"bind {Source}{MountFileSystem.Flags(Attributes)}{(Mapped ? " idmap" : "")}, making the target if it is missing";

    public override string Target => $"/{Path}";

    public override string UndoAction => $"unmount /{Path}";

    internal override CageError Failure => CageError.CageMountFailed;

    internal override void Do(StepContext context)
    {
        using Descriptor source = Files.OpenWithoutLinks(Source, Files.O_PATH);
        using Descriptor target = OpenTarget(context.Root, Files.Status(source).IsDirectory);
        Descriptor mount = Mounts.CloneTree(source, recursive: true);
        context.Attached(this, mount);
        // Private before it is attached: what is unmounted beneath it must stay mounted on the host.
        Mounts.SetAttributes(mount, Attributes, Mounts.MS_PRIVATE, recursive: true);
        if (Mapped) Mounts.MapOwners(mount, context.Users!, Source, recursive: true);
        Mounts.Attach(mount, target);
    }

    internal override void Undo(StepContext context) => context.Detach(this);

    internal override void Write(WireWriter wire) => wire.Text(Source).Text(Path).Number((long)Attributes).Number(Mapped ? 1 : 0);

    public static PortableStep Read(ref WireReader wire) => new BindHost(wire.Text(), wire.Text(), (ulong)wire.Number(), wire.Number() != 0);

    private static ulong AttributesOf(CageBind bind) =>
        (bind.IsReadOnly ? Mounts.MOUNT_ATTR_RDONLY : 0) | (bind.NoExecute ? Mounts.MOUNT_ATTR_NOEXEC : 0) |
        (bind.AllowsSetuid ? 0 : Mounts.MOUNT_ATTR_NOSUID) | (bind.AllowsDevices ? 0 : Mounts.MOUNT_ATTR_NODEV);

    private Descriptor OpenTarget(Descriptor root, bool isDirectory)
    {
        if (Files.TryOpenInRoot(root, Path, Files.O_PATH) is Descriptor there) return there;
        int slash = Path.LastIndexOf('/');
        if (isDirectory) MakePath.Ensure(root, Path);
        else if (slash > 0) MakePath.Ensure(root, Path[..slash]);
        if (!isDirectory) Files.OpenInRoot(root, Path, Files.O_WRONLY | Files.O_CREAT, 0x1a4).Dispose();
        return Files.OpenInRoot(root, Path, Files.O_PATH);
    }
}
