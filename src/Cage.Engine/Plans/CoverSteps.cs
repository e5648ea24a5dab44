using Cage.Interop;

namespace Cage.Engine.Plans;

/// <summary>Paths of a kernel's file system that is mounted in the root. They are looked up from that mount, once it is known to be one, so that
/// nothing put in its place by the cage can be covered instead of it (CVE-2025-31133).</summary>
internal static class KernelPaths
{
    private const long PROC_SUPER_MAGIC = 0x9fa0, SYSFS_MAGIC = 0x62656572;

    /// <summary>Opens each that is there, O_PATH, in what is mounted in the root.</summary>
    public static List<Descriptor> Find(Descriptor root, IReadOnlyList<string> paths)
    {
        using Descriptor proc = Open(root, "proc", PROC_SUPER_MAGIC), sys = Open(root, "sys", SYSFS_MAGIC);
        return Find(proc, sys, paths);
    }

    /// <summary>The same before there is a root, in what is made for it; null where that is not made.</summary>
    public static List<Descriptor>? TryFindMade(StepContext context, IReadOnlyList<string> paths) =>
        context.Made("proc") is Descriptor proc && context.Made("sys") is Descriptor sys ? Find(proc, sys, paths) : null;

    private static List<Descriptor> Find(Descriptor proc, Descriptor sys, IReadOnlyList<string> paths)
    {
        List<Descriptor> found = [];
        foreach (string path in paths)
        {
            int slash = path.IndexOf('/');
            if (Files.TryOpenInRoot(path[..slash] == "proc" ? proc : sys, path[(slash + 1)..], Files.O_PATH) is Descriptor there) found.Add(there);
        }
        return found;
    }

    private static Descriptor Open(Descriptor root, string name, long type)
    {
        Descriptor top = Files.OpenInRoot(root, name, Files.O_PATH | Files.O_DIRECTORY);
        if (Files.FileSystemType(top) == type) return top;
        top.Dispose();
        throw new LinuxException(Errno.EXDEV, "open", $"/{name}", "something else than the kernel's file system is there");
    }
}

/// <summary>Covers what tells about the host or reaches into it: files by an empty device, folders by an empty file system.</summary>
/// <param name="Paths">Without the first slash; what this kernel does not have is left out.</param>
internal sealed record HidePaths(IReadOnlyList<string> Paths) : PortableStep
{
    public override string Action => "hide what tells about the host";

    public override string Target => string.Join(' ', Paths.Select(path => $"/{path}"));

    public override string UndoAction => "uncover it";

    internal override CageError Failure => CageError.CageMountFailed;

    /// <summary>What is to be covered, where that is open already.</summary>
    private List<Descriptor>? Opened { get; init; }

    internal override PortableStep Ready(StepContext context) => this with { Opened = KernelPaths.TryFindMade(context, Paths) };

    internal override void Do(StepContext context)
    {
        Descriptor? file = null, folder = null;
        foreach (Descriptor target in Opened ?? KernelPaths.Find(context.Root, Paths))
        {
            using Descriptor closed = target;
            bool isFolder = Files.Status(target).IsDirectory;
            ref Descriptor? first = ref isFolder ? ref folder : ref file;
            // A clone has the attributes of what it is a clone of.
            Descriptor cover = first is not null ? Mounts.CloneTree(first) : isFolder ? MakeFolder() : MakeFile(context.Root);
            first ??= cover;
            context.Attached(this, cover);
            Mounts.Attach(cover, target);
        }
    }

    internal override void Undo(StepContext context) => context.Detach(this);

    internal override void Write(WireWriter wire) => wire.Texts(Paths);

    public static PortableStep Read(ref WireReader wire) => new HidePaths(wire.Texts());

    private static Descriptor MakeFile(Descriptor root)
    {
        using Descriptor nothing = Files.OpenInRoot(root, "dev/null", Files.O_PATH);
        Descriptor cover = Mounts.CloneTree(nothing);
        Mounts.SetAttributes(cover, Mounts.MOUNT_ATTR_RDONLY | Mounts.MOUNT_ATTR_NOSUID | Mounts.MOUNT_ATTR_NOEXEC);
        return cover;
    }

    private static Descriptor MakeFolder()
    {
        using Descriptor configuration = Mounts.OpenFileSystem("tmpfs");
        Mounts.SetOption(configuration, "source", "tmpfs");
        Mounts.SetOption(configuration, "mode", "0555");
        Mounts.SetOption(configuration, "size", "4k");
        return Mounts.Create(configuration, Mounts.MOUNT_ATTR_RDONLY | Mounts.MOUNT_ATTR_NOSUID | Mounts.MOUNT_ATTR_NODEV | Mounts.MOUNT_ATTR_NOEXEC);
    }
}

/// <summary>Makes parts of /proc read-only through which root, by its number alone, could change the host.</summary>
/// <param name="Paths">Without the first slash; what this kernel does not have is left out.</param>
internal sealed record ProtectPaths(IReadOnlyList<string> Paths) : PortableStep
{
    public override string Action => "make read-only what changes the host";

    public override string Target => string.Join(' ', Paths.Select(path => $"/{path}"));

    public override string UndoAction => "uncover it";

    internal override CageError Failure => CageError.CageMountFailed;

    /// <summary>What is to be covered, where that is open already.</summary>
    private List<Descriptor>? Opened { get; init; }

    internal override PortableStep Ready(StepContext context) => this with { Opened = KernelPaths.TryFindMade(context, Paths) };

    internal override void Do(StepContext context)
    {
        foreach (Descriptor target in Opened ?? KernelPaths.Find(context.Root, Paths))
        {
            using Descriptor closed = target;
            Descriptor cover = Mounts.CloneTree(target);
            context.Attached(this, cover);
            Mounts.SetAttributes(cover, Mounts.MOUNT_ATTR_RDONLY | Mounts.MOUNT_ATTR_NOSUID | Mounts.MOUNT_ATTR_NODEV | Mounts.MOUNT_ATTR_NOEXEC);
            Mounts.Attach(cover, target);
        }
    }

    internal override void Undo(StepContext context) => context.Detach(this);

    internal override void Write(WireWriter wire) => wire.Texts(Paths);

    public static PortableStep Read(ref WireReader wire) => new ProtectPaths(wire.Texts());
}
