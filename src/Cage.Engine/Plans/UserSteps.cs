using Cage.Engine.Runtime;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Plans;

/// <summary>Makes the user namespace that the cage's commands are to run in, and the network that belongs to it where the cage has one of its own.
/// Its init stays outside, and holds it.</summary>
/// <param name="Range">The host's ids that its own stand for.</param>
/// <param name="WithNetwork">Whether a network namespace comes with it.</param>
internal sealed record MakeUserNamespace(IdRange Range, bool WithNetwork) : Step
{
    public override string Action => WithNetwork ? "make a user namespace, with a network namespace of its own" : "make a user namespace";

    public override string Target => $"0-{Range.Count - 1} are {Range.First}-{Range.End - 1} outside";

    public override string UndoAction => "goes with the init";

    internal override void Do(StepContext context) => context.Host!.Users = UserNamespace.Make(Range.First, Range.Count, WithNetwork);
}

/// <summary>Has what the init makes in the cage belong to the cage's root, and holds at hand what maps the owners of its layers.</summary>
/// <param name="Range">The host's ids that the cage's stand for.</param>
internal sealed record ActAsCageRoot(IdRange Range) : PortableStep
{
    public override string Action => "make files as the cage's root";

    public override string Target => $"{Range.First}";

    internal override void Do(StepContext context)
    {
        (context.Users, context.Ids) = (CageInit.Users, Range);
        UserNamespace.ActAs(Range.First);
    }

    internal override void Write(WireWriter wire) => wire.Number(Range.First).Number(Range.Count);

    public static PortableStep Read(ref WireReader wire) => new ActAsCageRoot(new IdRange((uint)wire.Number(), (uint)wire.Number()));
}

/// <summary>Copies of mounts whose files belong to the ids of the cage's user namespace, so that what is root's on the disk is its root's.</summary>
internal static class MappedMounts
{
    /// <summary>A directory by such a mount. It is attached where the cage's root is going to be, beneath that: overlayfs takes no layer that is attached nowhere (before
    /// Linux 6.15), and it goes with the old root.</summary>
    public static Descriptor Attach(Descriptor directory, Descriptor users, string place)
    {
        Descriptor mount = Mounts.CloneTree(directory);
        try
        {
            Mounts.MapOwners(mount, users, Files.ReadLink(directory.ProcPath) ?? directory.ProcPath);
            using Descriptor target = Files.Open(place, Files.O_PATH | Files.O_DIRECTORY | Files.O_NOFOLLOW);
            Mounts.Attach(mount, target);
            return mount;
        }
        catch
        {
            mount.Dispose();
            throw;
        }
    }

    /// <summary>Two directories of one mount by one such mount, as overlayfs wants its upper and work folder.</summary>
    public static (Descriptor First, Descriptor Second) AttachBoth(Descriptor first, Descriptor second, Descriptor users, string place)
    {
        string one = Files.ReadLink(first.ProcPath)!, other = Files.ReadLink(second.ProcPath)!;
        string[] names = [.. one.Split('/').Zip(other.Split('/')).TakeWhile(pair => pair.First == pair.Second).Select(pair => pair.First)];
        string common = string.Join('/', names);
        using Descriptor folder = Files.Open(common.Length == 0 ? "/" : common, Files.O_PATH | Files.O_DIRECTORY);
        using Descriptor mount = Attach(folder, users, place);
        const int Flags = Files.O_PATH;
        return (Files.OpenAt(mount, Rest(one), Flags | Files.O_DIRECTORY), Files.OpenAt(mount, Rest(other), Flags | Files.O_DIRECTORY));

        string Rest(string path) => path.Length > common.Length ? path[(common.Length + 1)..] : ".";
    }
}
