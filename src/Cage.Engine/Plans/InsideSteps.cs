using Cage.Interop;

namespace Cage.Engine.Plans;

/// <summary>Makes a folder in the root where there is none, in the upper as the seed does. [004]</summary>
internal sealed record MakeFolder(string Path, uint Mode) : PortableStep
{
    public override string Action => "make the folder if it is missing";

    public override string Target => $"/{Path}";

    internal override void Do(StepContext context) => Ensure(context.Root, Path, Mode);

    /// <summary>Makes the last part of <paramref name="path"/> in <paramref name="root"/>, resolved inside it, unless it is there.</summary>
    public static void Ensure(Descriptor root, string path, uint mode)
    {
        using Descriptor? there = Files.TryOpenInRoot(root, path, Files.O_PATH | Files.O_DIRECTORY);
        if (there is not null) return;
        int slash = path.LastIndexOf('/');
        using Descriptor parent = Files.OpenInRoot(root, slash < 0 ? "." : path[..slash], Files.O_PATH | Files.O_DIRECTORY);
        Files.MakeDirectoryAt(parent, path[(slash + 1)..], mode);
    }

    internal override void Write(WireWriter wire) => wire.Text(Path).Number(Mode);

    public static PortableStep Read(ref WireReader wire) => new MakeFolder(wire.Text(), (uint)wire.Number());
}

/// <summary>Mounts a new file system in the root; its target is looked up inside the root, following no link out.</summary>
internal sealed record MountFileSystem(string Type, string Path, ulong Attributes, IReadOnlyList<string> Options) : PortableStep
{
    public override string Action => $"mount {Type}{Flags(Attributes)}{(Options.Count == 0 ? "" : $" ({string.Join(',', Options)})")}";

    public override string Target => $"/{Path}";

    public override string UndoAction => $"unmount /{Path}";

    internal override CageError Failure => CageError.CageMountFailed;

    internal override PortableStep Ready(StepContext context)
    {
        context.KeepMade(Path, Make());
        return this;
    }

    internal override void Do(StepContext context)
    {
        Descriptor mount = context.TakeMade(Path) ?? Make();
        context.Attached(this, mount);
        using Descriptor target = Files.OpenInRoot(context.Root, Path, Files.O_PATH | Files.O_DIRECTORY);
        Mounts.Attach(mount, target);
    }

    private Descriptor Make()
    {
        using Descriptor configuration = Mounts.OpenFileSystem(Type);
        Mounts.SetOption(configuration, "source", Type);
        foreach (string option in Options)
        {
            int equals = option.IndexOf('=');
            if (equals < 0) Mounts.SetFlag(configuration, option);
            else Mounts.SetOption(configuration, option[..equals], option[(equals + 1)..]);
        }
        return Mounts.Create(configuration, Attributes);
    }

    internal override void Undo(StepContext context) => context.Detach(this);

    internal override void Write(WireWriter wire) => wire.Text(Type).Text(Path).Number((long)Attributes).Texts(Options);

    public static PortableStep Read(ref WireReader wire) => new MountFileSystem(wire.Text(), wire.Text(), (ulong)wire.Number(), wire.Texts());

    /// <summary>As mount(8) has them, a space before each.</summary>
    public static string Flags(ulong attributes) =>
        ((attributes & Mounts.MOUNT_ATTR_RDONLY) != 0 ? " ro" : "") + ((attributes & Mounts.MOUNT_ATTR_NOSUID) != 0 ? " nosuid" : "") +
        ((attributes & Mounts.MOUNT_ATTR_NODEV) != 0 ? " nodev" : "") + ((attributes & Mounts.MOUNT_ATTR_NOEXEC) != 0 ? " noexec" : "");
}
