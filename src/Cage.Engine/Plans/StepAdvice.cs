using Cage.Engine.Privileges;
using Cage.Interop;

namespace Cage.Engine.Plans;

/// <summary>What to do about a step that failed, where the errno tells.</summary>
internal static class StepAdvice
{
    public static string? For(Step step, LinuxException cause) => (step, cause.Number) switch
    {
        (_, Errno.EPERM or Errno.EACCES) when RootRights.Advice() is string advice => advice,
        (MountOverlay or BindRoot or BindHost, Errno.EINVAL or Errno.EPERM) when cause.Operation == "mount_setattr" && cause.Target is not null =>
            $"Its file system takes no idmapped mount, which a user namespace needs: ext4, XFS, btrfs and others can, tmpfs since Linux 6.3. Move it there, or take the user namespace away ({Face.Call("--userns=none", "-UserNamespace none")}).",
        (MountOverlay { Mapped: not MappedLayers.None }, Errno.EINVAL) => "A user namespace needs overlayfs over idmapped layers, Linux 5.19; dmesg may say more.",
        (MakeUserNamespace, Errno.EPERM) => "The kernel makes none for what is in a chroot, nor where its settings forbid it.",
        (MakeUserNamespace, Errno.ENOSPC) => "/proc/sys/user/max_user_namespaces says how many there may be: raise it.",
        (MakeUserNamespace, Errno.EINVAL) => "The kernel was built without user namespaces (CONFIG_USER_NS), or takes no such range of ids.",
        (BindHost, Errno.ELOOP) => "A part of that path is a symbolic link by now: set the bind again, with what it leads to.",
        (BindHost bind, Errno.ENOENT) when cause.Target == bind.Source => "Make it, or take the bind away.",
        (BindHost, Errno.EINVAL or Errno.ENOTDIR) => "A folder can only be bound over a folder, and a file over a file.",
        (BindHost or MakePath, Errno.EEXIST) => "A part of the target is no folder in the cage, or a link that leads nowhere in it: choose another, or mend that.",
        (SetLimits, _) => LimitAdvice(cause),
        (_, Errno.ENOSPC) => "Free space (and inodes) on that file system.",
        (MakeFolder, Errno.EROFS) => "A start that is to be read only, and a file system that is, make no folder: start it once to be written.",
        (MountOverlay, Errno.EROFS) => "dmesg says why overlayfs can only be read there; name another folder with data= in cage.conf, or use cage run.",
        (_, Errno.EROFS) => "That file system is read-only.",
        (RecordInit or ForgetInit, Errno.EISDIR) => "A folder stands where the note of the init is kept: remove it (rmdir), and stop the cage.",
        (_, Errno.ENOSYS) => "This kernel lacks the call; Cage needs Linux 5.15.",
        (HoldLayers, Errno.EAGAIN) => "Another command removes it this moment.",
        (MountOverlay, Errno.ENODEV) => "Load the overlay module (modprobe overlay).",
        (MountOverlay, Errno.ELOOP) => "Two layers overlap, or a cage's own folder is among them: choose layers that lie apart.",
        (MountOverlay, Errno.EBUSY) => "Its upper or work folder is in use by another overlay mount.",
        (MountOverlay, Errno.EINVAL) => "dmesg may say more.",
        _ => null,
    };

    /// <summary>What to do about a limit that was not taken.</summary>
    public static string? LimitAdvice(LinuxException cause) => cause.Number switch
    {
        Errno.EBUSY when cause.Target?.EndsWith("subtree_control", StringComparison.Ordinal) == true =>
            "Processes lie in the control group above the cages' own: docs/limits.md says how to give Cage one of its own.",
        Errno.EBUSY => "What runs in the cage uses more than that and cannot be made to let go of it: end some of it, or allow more.",
        Errno.EPERM or Errno.EACCES => "The control groups belong to somebody else here: docs/limits.md says how to have some delegated.",
        Errno.EINVAL or Errno.ERANGE => "The kernel does not take that value.",
        _ => null,
    };
}
