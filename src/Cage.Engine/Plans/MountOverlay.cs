using Cage.Interop;

namespace Cage.Engine.Plans;

/// <summary>How overlayfs is told its directories, the best first.</summary>
internal enum OverlayWay
{
    /// <summary>One call and a descriptor for each (Linux 6.13).</summary>
    Descriptors,

    /// <summary>One call and a short /proc path for each (lowerdir+, Linux 6.8). A longer one than 255 bytes would be EINVAL.</summary>
    Paths,

    /// <summary>All in the one option page of mount(2), as numbers of descriptors: 500 of them fit. The only one before Linux 6.5.</summary>
    Page,
}

/// <summary>Which directories of an overlay belong to the ids of the cage's user namespace, by mounts of their own (Linux 5.19).</summary>
internal enum MappedLayers
{
    /// <summary>None: the ids in it are the host's.</summary>
    None,

    /// <summary>Those below; what is above is made by the cage's root in the first place.</summary>
    Lower,

    /// <summary>The upper and the work folder too.</summary>
    All,
}

/// <summary>Mounts overlayfs (Documentation/filesystems/overlayfs.rst) on a cage's root: its layers below, its own files above.</summary>
/// <param name="Lower">The layers, the topmost first.</param>
/// <param name="Upper">Where it writes; null to write nowhere.</param>
/// <param name="Work">overlayfs's own folder beside the upper; null with that.</param>
/// <param name="Path">Where it is mounted.</param>
/// <param name="Pinned">Whether the layers will be the same at every start, so that a directory of theirs may be renamed.</param>
/// <param name="Attributes">MOUNT_ATTR_* bits.</param>
/// <param name="Mapped">Whose files belong to the ids of the cage's user namespace; an overlay itself cannot be mapped.</param>
internal sealed record MountOverlay(IReadOnlyList<string> Lower, string? Upper, string? Work, string Path, bool Pinned = true, ulong Attributes = 0, MappedLayers Mapped = MappedLayers.None) : PortableStep
{
    private const string Directories = "lowerdir+";

    /// <summary>In bytes, of fsconfig(2).</summary>
    private const int LongestText = 255;

    public override string Action => Upper is null
        ? $"mount overlay ro{MountFileSystem.Flags(Attributes)}{How} (lowerdir={string.Join(':', Lower)}, {Options})"
        : $"mount overlay{MountFileSystem.Flags(Attributes)}{How} (lowerdir={string.Join(':', Lower)}, upperdir={Upper}, workdir={Work}, {Options})";

    private string How => Mapped switch { MappedLayers.None => "", MappedLayers.Lower => " over idmapped layers", _ => " of idmapped layers" };

    private string Options => string.Join(", ", Settings.Select(set => $"{set.Key}={set.Value}"));

    public override string Target => Path;

    public override string UndoAction => $"unmount {Path}";

    internal override CageError Failure => CageError.CageMountFailed;

    /// <summary>The first way that is tried: an older kernel's, in tests.</summary>
    internal OverlayWay First { get; init; }

    /// <summary>docs/architecture.md says why each is what it is, whatever the kernel was built or started with.</summary>
    private (string Key, string Value)[] Settings =>
        Upper is null ? [("redirect_dir", "follow"), ("xino", "auto")] : [("redirect_dir", Pinned ? "on" : "follow"), ("index", "off"), ("metacopy", "off"), ("xino", "auto")];

    /// <summary>Whether all its directories are the host's own, so that it can be made before its init is there.</summary>
    internal bool OfHost { get; init; }

    /// <remarks>Layers that are mapped are attached in the init's mount namespace first, and made by who acts as the cage's root.</remarks>
    internal override (Descriptor Made, PortableStep Left)? Prepare(OverlayGuess? guess) =>
        OfHost && Mapped == MappedLayers.None && (guess?.Take(this) ?? TryMakeDetached()) is Descriptor made ? (made, this with { Lower = [] }) : null;

    /// <summary>Whether both make the same overlay, wherever they are carried out.</summary>
    internal bool IsSameAs(MountOverlay other) => Lower.SequenceEqual(other.Lower) && other with { Lower = Lower, Side = Side } == this;

    internal override void Do(StepContext context)
    {
        if (context.Prepared is Descriptor made) Attach(made, context);
        else
            WithDirectories(context.Users, (lower, upper, work) =>
            {
                if (TryMake(lower, upper, work) is Descriptor mount) Attach(mount, context);
                else MountByPage(lower, upper, work, attached => context.Attached(this, attached, isRoot: true));
                return true;
            });
    }

    /// <summary>The overlay without a place where it is mounted: it is gone when the descriptor is closed.</summary>
    internal Descriptor MakeDetached() => TryMakeDetached() ?? Mounts.OnPrivateTable(() => WithDirectories(null, (lower, upper, work) =>
    {
        using Descriptor attached = MountByPage(lower, upper, work, _ => { });
        return Mounts.CloneTree(attached);
    }));

    /// <summary>As <see cref="MakeDetached"/>; null where this kernel can only mount it at once.</summary>
    /// <remarks>Each layer is open only while the kernel is told of it: a process with hundreds of descriptors is slow to start others.</remarks>
    internal Descriptor? TryMakeDetached()
    {
        using Descriptor? upper = Upper is null ? null : Open(Upper), work = Work is null ? null : Open(Work);
        return TryMake(OpenEach(Lower), upper, work);
    }

    internal override void Undo(StepContext context) => context.Detach(this);

    internal override void Write(WireWriter wire) => wire.Texts(Lower).Text(Upper).Text(Work).Text(Path).Number(Pinned ? 1 : 0).Number((long)Attributes).Number((int)Mapped);

    public static PortableStep Read(ref WireReader wire) => new MountOverlay(wire.Texts(), wire.OptionalText(), wire.OptionalText(), wire.Text(), wire.Number() != 0, (ulong)wire.Number(), (MappedLayers)wire.Number());

    private void Attach(Descriptor mount, StepContext context)
    {
        context.Attached(this, mount, isRoot: true);
        using Descriptor target = Files.Open(Path, Files.O_PATH | Files.O_DIRECTORY | Files.O_NOFOLLOW);
        Mounts.Attach(mount, target);
    }

    /// <summary>Where the kernel cannot write to the work folder it mounts all the same, to be read only, and says why to its log alone: what
    /// keeps it from it keeps us too.</summary>
    private static void RefuseReadOnly(Descriptor mount, Descriptor? work)
    {
        if (work is null || !Files.IsReadOnly(mount)) return;
        const string Probe = "cage-probe";
        int error = Errno.EROFS;
        try
        {
            Files.MakeDirectoryAt(work, Probe, 0x1c0);
            Files.RemoveDirectoryAt(work, Probe);
        }
        catch (LinuxException e)
        {
            error = e.Number;
        }
        throw new LinuxException(error, "mount", "overlay", "nothing could be written in it, for overlayfs could not write to its work folder");
    }

    /// <summary>The overlay, attached nowhere; null where this kernel can only mount it at once.</summary>
    private Descriptor? TryMake(IEnumerable<Descriptor> lower, Descriptor? upper, Descriptor? work)
    {
        for (OverlayWay way = First; way < OverlayWay.Page; way++)
        {
            Descriptor? mount;
            try
            {
                mount = TryMake(way, lower, upper, work);
            }
            catch (LinuxException e) when (e is { Number: Errno.EOPNOTSUPP, Operation: "fsconfig" })
            {
                return null;
            }
            if (mount is null) continue;
            try
            {
                RefuseReadOnly(mount, work);
                return mount;
            }
            catch
            {
                mount.Dispose();
                throw;
            }
        }
        return null;
    }

    /// <summary>Null where this kernel does not know the way.</summary>
    /// <exception cref="LinuxException">EOPNOTSUPP: overlayfs is configured by mount(2) alone (before Linux 6.5). What it is told by text is not looked at before it is mounted.</exception>
    private Descriptor? TryMake(OverlayWay way, IEnumerable<Descriptor> lower, Descriptor? upper, Descriptor? work)
    {
        using Descriptor configuration = Mounts.OpenFileSystem("overlay");
        Mounts.SetOption(configuration, "source", "overlay");
        foreach (Descriptor layer in lower)
            if (!TrySet(way, configuration, Directories, layer)) return null;
        // One that is refused (EINVAL) is said why only when it is given as a path; left away, all that is written would be refused instead.
        if (upper is not null && !TrySet(way, configuration, "upperdir", upper)) return null;
        if (work is not null && !TrySet(way, configuration, "workdir", work)) return null;
        foreach (var (key, value) in Settings) Mounts.SetOption(configuration, key, value);
        return Mounts.Create(configuration, Attributes | (upper is null ? Mounts.MOUNT_ATTR_RDONLY : 0));
    }

    private T WithDirectories<T>(Descriptor? users, Func<IReadOnlyList<Descriptor>, Descriptor?, Descriptor?, T> act)
    {
        List<Descriptor> held = [];
        try
        {
            IReadOnlyList<Descriptor> lower = [.. Lower.Select(path => Hold(held, path))];
            Descriptor? upper = Upper is null ? null : Hold(held, Upper), work = Work is null ? null : Hold(held, Work);
            if (Mapped != MappedLayers.None) lower = [.. lower.Select(layer => Hold(held, MappedMounts.Attach(layer, users!, Path)))];
            if (Mapped == MappedLayers.All && upper is not null && work is not null)
            {
                (upper, work) = MappedMounts.AttachBoth(upper, work, users!, Path);
                held.AddRange([upper, work]);
            }
            return act(lower, upper, work);
        }
        finally
        {
            foreach (Descriptor descriptor in held) descriptor.Dispose();
        }
    }

    private static bool TrySet(OverlayWay way, Descriptor configuration, string key, Descriptor directory)
    {
        if (way == OverlayWay.Descriptors) return Mounts.TrySetDescriptor(configuration, key, directory);
        try
        {
            Mounts.SetOption(configuration, key, NameOf(directory) ?? directory.ProcPath);
            return true;
        }
        catch (LinuxException e) when (key == Directories && e.Number == Errno.EINVAL && e.Detail?.Contains("Unknown parameter", StringComparison.Ordinal) == true)
        {
            return false;
        }
    }

    private Descriptor MountByPage(IReadOnlyList<Descriptor> lower, Descriptor? upper, Descriptor? work, Action<Descriptor> whenAttached)
    {
        string named = PageOf(NameOrNumber), options = PathText.Encode(named).Length < Environment.SystemPageSize ? named : PageOf(layer => $"{layer.Number}");
        Mounts.MountFromDescriptors("overlay", Path, options, readOnly: upper is null);
        Descriptor attached = Files.Open(Path, Files.O_PATH | Files.O_DIRECTORY | Files.O_NOFOLLOW);
        whenAttached(attached);
        if (Attributes != 0) Mounts.SetAttributes(attached, Attributes);
        RefuseReadOnly(attached, work);
        return attached;

        string PageOf(Func<Descriptor, string> layerName)
        {
            IEnumerable<string> options = [$"lowerdir={string.Join(':', lower.Select(layerName))}", .. Array.ConvertAll(Settings, set => $"{set.Key}={set.Value}")];
            if (upper is not null && work is not null) options = [.. options, $"upperdir={NameOrNumber(upper)}", $"workdir={NameOrNumber(work)}"];
            return string.Join(',', options);
        }
    }

    private static string NameOrNumber(Descriptor directory) => NameOf(directory) ?? $"{directory.Number}";

    /// <summary>The path of a directory where it can be told to the kernel as it is, whose mount table then names it for others to know again: <c>/proc/self/fd/7</c>
    /// is another file for each reader. Null where it cannot.</summary>
    private static string? NameOf(Descriptor directory) =>
        Files.ReadLink(directory.ProcPath) is string path && path.StartsWith('/') && path.AsSpan().IndexOfAny(",:\\") < 0 && PathText.Encode(path).Length <= LongestText &&
        Files.StatusFollowed(path)?.IsSameFile(Files.Status(directory)) == true ? path : null;

    private static Descriptor Open(string path) => Files.Open(path, Files.O_PATH | Files.O_DIRECTORY);

    private static IEnumerable<Descriptor> OpenEach(IReadOnlyList<string> paths)
    {
        foreach (string path in paths)
        {
            using Descriptor directory = Open(path);
            yield return directory;
        }
    }

    private static Descriptor Hold(List<Descriptor> held, string path) => Hold(held, Open(path));

    private static Descriptor Hold(List<Descriptor> held, Descriptor descriptor)
    {
        held.Add(descriptor);
        return descriptor;
    }
}
