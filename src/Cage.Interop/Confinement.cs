using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>What a process gives up for good: capabilities(7), prctl(2), seccomp(2), landlock(7) (Cage.Native/confine.c).</summary>
public sealed unsafe partial class Confinement
{
    private const uint NoNewPrivilegesFlag = 1, OwnSocketsFlag = 2, AllThreadsFlag = 4, HiddenFlag = 8;

    private const int SYS_landlock_create_ruleset = 444, LandlockWithScopes = 6;
    private const uint LANDLOCK_CREATE_RULESET_VERSION = 1;

    /// <summary>The capabilities that stay, in the bounding set too: capability n is bit n.</summary>
    public required ulong Capabilities { get; init; }

    /// <summary>The system calls' filter, a struct sock_filter each; null for none.</summary>
    public ulong[]? Filter { get; init; }

    /// <summary>Whether no program that it executes gives it more than it has: no set-user-ID, no file capabilities (PR_SET_NO_NEW_PRIVS).</summary>
    public bool NoNewPrivileges { get; init; }

    /// <summary>Whether it can connect only to those abstract sockets that it, or what it starts, has made (LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET).</summary>
    public bool OwnSockets { get; init; }

    /// <summary>Whether this kernel can keep abstract sockets apart: Landlock in its sixth version (Linux 6.12), and switched on.</summary>
    public static bool CanOwnSockets => syscall(SYS_landlock_create_ruleset, 0, 0, LANDLOCK_CREATE_RULESET_VERSION) >= LandlockWithScopes;

    /// <summary>Confines the calling thread, hides this process from all without CAP_SYS_PTRACE (PR_SET_DUMPABLE), and has all its threads follow the filter.</summary>
    /// <exception cref="LinuxException">What could not be given up; a part may be.</exception>
    public void ApplyHere()
    {
        int error;
        fixed (ulong* filter = Filter)
        {
            Native native = ToNative(filter);
            native.Flags |= AllThreadsFlag | HiddenFlag;
            SpawnStage failed = (SpawnStage)cage_confine(&native, &error);
            if (failed != SpawnStage.None) throw new LinuxException(error, Spawn.Operation(failed));
        }
    }

    internal Native ToNative(ulong* filter) => new()
    {
        Capabilities = Capabilities,
        Filter = filter,
        FilterLength = (uint)(Filter?.Length ?? 0),
        Flags = (NoNewPrivileges ? NoNewPrivilegesFlag : 0) | (OwnSockets ? OwnSocketsFlag : 0),
    };

    /// <summary>struct confinement</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Native
    {
        public ulong Capabilities;
        public ulong* Filter;
        public uint FilterLength, Flags;
    }

    [LibraryImport("libcage-spawn")]
    private static partial int cage_confine(Native* confinement, int* error);

    [LibraryImport("libc")]
    private static partial long syscall(long number, nint a, nint b, uint c);
}
