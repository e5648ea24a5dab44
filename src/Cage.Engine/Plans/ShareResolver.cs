using Cage.Interop;

namespace Cage.Engine.Plans;

/// <summary>Lays the host's resolv.conf, the file behind the link, over the cage's, read-only; a cage without /etc gets none.</summary>
/// <param name="Source">The host's file.</param>
/// <param name="Text">What is to be read in place of it, where that would be of no use in the cage; null for the file itself.</param>
internal sealed record ShareResolver(string Source, string? Text = null) : PortableStep
{
    private const string Path = "etc/resolv.conf", Own = "run/cage/resolv.conf";

    public override string Action => Text is null ? $"bind {Source} ro" : $"bind a resolv.conf of its own ro ({Text.Split('\n')[0]})";

    public override string Target => $"/{Path}";

    public override string UndoAction => $"unmount /{Path}";

    internal override CageError Failure => CageError.CageMountFailed;

    internal override void Do(StepContext context)
    {
        using Descriptor? target = Open(context.Root);
        if (target is null) return;
        Descriptor mount = Text is null ? Mounts.CloneTree(Source) : MakeOwn(context.Root, Text);
        context.Attached(this, mount);
        Mounts.SetAttributes(mount, Mounts.MOUNT_ATTR_RDONLY | Mounts.MOUNT_ATTR_NOSUID | Mounts.MOUNT_ATTR_NODEV | Mounts.MOUNT_ATTR_NOEXEC, Mounts.MS_PRIVATE);
        Mounts.Attach(mount, target);
    }

    internal override void Undo(StepContext context) => context.Detach(this);

    internal override void Write(WireWriter wire) => wire.Text(Source).Text(Text);

    public static PortableStep Read(ref WireReader wire) => new ShareResolver(wire.Text(), wire.OptionalText());

    /// <summary>In /run, a tmpfs of the cage's own.</summary>
    private static Descriptor MakeOwn(Descriptor root, string text)
    {
        MakePath.Ensure(root, System.IO.Path.GetDirectoryName(Own)!);
        using (Descriptor file = Files.OpenInRoot(root, Own, Files.O_WRONLY | Files.O_CREAT | Files.O_TRUNC, 0x1a4)) Files.Write(file, System.Text.Encoding.UTF8.GetBytes(text));
        using Descriptor made = Files.OpenInRoot(root, Own, Files.O_PATH);
        return Mounts.CloneTree(made);
    }

    /// <summary>The file to bind over. Where it is a link into /run, which is an empty tmpfs now, what it leads to is made there.</summary>
    private static Descriptor? Open(Descriptor root)
    {
        try
        {
            if (Files.TryOpenInRoot(root, Path, Files.O_PATH) is Descriptor there) return there;
        }
        catch (LinuxException e) when (e.Number == Errno.ELOOP)
        {
            // Links that lead nowhere, or a link of /proc, which could lead out: the cage's own affair.
            return null;
        }
        using Descriptor? etc = Files.TryOpenInRoot(root, "etc", Files.O_PATH | Files.O_DIRECTORY);
        if (etc is null) return null;
        if (Files.StatusAt(etc, "resolv.conf") is { IsLink: true } && Files.ReadLinkAt(etc, "resolv.conf") is string link)
        {
            string place = System.IO.Path.GetFullPath(link, "/etc");
            if (!place.StartsWith("/run/", StringComparison.Ordinal)) return null;
            for (int slash = place.IndexOf('/', 1); (slash = place.IndexOf('/', slash + 1)) > 0;)
                MakeFolder.Ensure(root, place[1..slash], 0x1ed);
        }
        try
        {
            using (Files.OpenInRoot(root, Path, Files.O_WRONLY | Files.O_CREAT, 0x1a4)) return Files.OpenInRoot(root, Path, Files.O_PATH);
        }
        catch (LinuxException e) when (e.Number is Errno.EROFS or Errno.ENOENT)
        {
            return null;
        }
    }
}
