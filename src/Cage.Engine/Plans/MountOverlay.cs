using Cage.Interop;

namespace Cage.Engine.Plans;

/// <summary>Mounts overlayfs (Documentation/filesystems/overlayfs.rst): one lowerdir a call, by descriptor where the kernel takes them
/// (6.13), by a short /proc path otherwise (6.8).</summary>
internal sealed record MountOverlay(IReadOnlyList<string> Lower, string Upper, string Work, string Path) : PortableStep
{
    public override string Action => $"mount overlay (lowerdir={string.Join(':', Lower)}, upperdir={Upper}, workdir={Work})";

    public override string Target => Path;

    public override string UndoAction => $"unmount {Path}";

    internal override CageError Failure => CageError.CageMountFailed;

    internal override void Do(StepContext context)
    {
        List<Descriptor> held = [];
        try
        {
            Descriptor[] lower = [.. Lower.Select(path => Hold(held, path))];
            Descriptor mount = Make(lower, Hold(held, Upper), Hold(held, Work));
            context.Attached(this, mount, isRoot: true);
            using Descriptor target = Files.Open(Path, Files.O_PATH | Files.O_DIRECTORY | Files.O_NOFOLLOW);
            Mounts.Attach(mount, target);
        }
        finally
        {
            foreach (Descriptor descriptor in held) descriptor.Dispose();
        }
    }

    internal override void Undo(StepContext context) => context.Detach(this);

    internal override void Write(WireWriter wire) => wire.Texts(Lower).Text(Upper).Text(Work).Text(Path);

    public static PortableStep Read(ref WireReader wire) => new MountOverlay(wire.Texts(), wire.Text(), wire.Text(), wire.Text());

    private static Descriptor Make(Descriptor[] lower, Descriptor upper, Descriptor work)
    {
        using Descriptor configuration = Mounts.OpenFileSystem("overlay");
        Mounts.SetOption(configuration, "source", "overlay");
        foreach (Descriptor layer in lower) SetDirectory(configuration, "lowerdir+", layer);
        SetDirectory(configuration, "upperdir", upper);
        SetDirectory(configuration, "workdir", work);
        return Mounts.Create(configuration, 0);
    }

    private static void SetDirectory(Descriptor configuration, string key, Descriptor directory)
    {
        if (!Mounts.TrySetDescriptor(configuration, key, directory)) Mounts.SetOption(configuration, key, directory.ProcPath);
    }

    private static Descriptor Hold(List<Descriptor> held, string path)
    {
        Descriptor descriptor = Files.Open(path, Files.O_PATH | Files.O_DIRECTORY);
        held.Add(descriptor);
        return descriptor;
    }
}
