using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>A user namespace (user_namespaces(7)), and perhaps a network namespace that belongs to it; they last as long as these descriptors, or copies of
/// them, do (Cage.Native/userns.c).</summary>
/// <param name="Users">The user namespace.</param>
/// <param name="Network">The network namespace, whose root is the user namespace's; null where none was asked for.</param>
public sealed unsafe partial record UserNamespace(Descriptor Users, Descriptor? Network) : IDisposable
{
    /// <summary>Makes one that nobody is in, whose ids from 0 on are <paramref name="first"/> and those after it.</summary>
    /// <param name="first">Who its root is outside, as user and as group.</param>
    /// <param name="count">How many ids it has.</param>
    /// <param name="withNetwork">Whether it gets a network namespace of its own.</param>
    /// <exception cref="LinuxException">EPERM: the caller is in a chroot, or not root. ENOSPC: /proc/sys/user/max_user_namespaces are there already. EINVAL: the ids
    /// go too far, or the kernel has no user namespaces.</exception>
    public static UserNamespace Make(uint first, uint count, bool withNetwork)
    {
        Native native = default;
        string operation = cage_make_user_namespace(first, count, withNetwork ? 1 : 0, &native) switch
        {
            0 => "",
            1 => "clone",
            2 => "uid_map",
            _ => "open",
        };
        return operation.Length > 0 ? throw new LinuxException(native.Error, operation) : new UserNamespace(new Descriptor(native.Users), native.Network < 0 ? null : new Descriptor(native.Network));
    }

    /// <summary>Has the calling thread make files as <paramref name="id"/>, user and group alike, with the privileges that it has (setfsuid(2), capabilities(7)).</summary>
    /// <exception cref="LinuxException">EPERM: not root.</exception>
    public static void ActAs(uint id)
    {
        Check.Result(prctl(PR_SET_SECUREBITS, Check.Result(prctl(PR_GET_SECUREBITS, 0, 0, 0, 0), "prctl") | SECBIT_NO_SETUID_FIXUP, 0, 0, 0), "prctl", "PR_SET_SECUREBITS");
        // They report no error, but who it was before: asked again, they tell whether they did it.
        _ = setfsgid(id);
        _ = setfsuid(id);
        if (setfsgid(id) != (int)id || setfsuid(id) != (int)id) throw new LinuxException(Errno.EPERM, "setfsuid", $"{id}");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Users.Dispose();
        Network?.Dispose();
    }

    private const int PR_GET_SECUREBITS = 27, PR_SET_SECUREBITS = 28, SECBIT_NO_SETUID_FIXUP = 4;

    /// <summary>struct made</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Native
    {
        public int Users, Network, Error;
    }

    [LibraryImport("libcage-spawn")]
    private static partial int cage_make_user_namespace(uint first, uint count, int withNetwork, Native* made);

    [LibraryImport("libc")]
    private static partial int setfsuid(uint id);

    [LibraryImport("libc")]
    private static partial int setfsgid(uint id);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int prctl(int option, nint a, nint b, nint c, nint d);
}
