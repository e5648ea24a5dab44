namespace Cage.Escape.Tests;

/// <summary>How an attack ends.</summary>
public enum Result
{
    /// <summary>It had its effect on the host.</summary>
    Escaped = 0,

    /// <summary>It was stopped.</summary>
    Held = 1,

    /// <summary>There is nothing in that isolation that it could be tried on.</summary>
    None = -1,
}

/// <summary>An attack, and what is expected of each isolation.</summary>
/// <param name="Name">As the table in docs/security.md has it.</param>
/// <param name="Line">The program and its arguments; words in braces are the scene's.</param>
/// <param name="Chroot">Its end in a Chroot.</param>
/// <param name="Pivot">Its end in a Pivot.</param>
/// <param name="Jail">Its end in a Jail as it is by default.</param>
public sealed record Attack(string Name, string Line, Result Chroot, Result Pivot, Result Jail)
{
    /// <summary>Options of <c>cage set</c> with which a Jail lets it through: that it works is shown there too.</summary>
    public string? GuardOff { get; init; }

    /// <summary>Its end in a Jail with a user namespace.</summary>
    public Result Users { get; init; } = Result.Held;

    /// <summary>Whether it is stopped there though that guard is off, since what root has in a user namespace counts nowhere else.</summary>
    public bool HeldByUsers { get; init; }

    /// <summary>The user in the cage.</summary>
    public string User { get; init; } = "root";

    /// <summary>A file that a kernel has which knows what is attacked.</summary>
    public string? Needs { get; init; }

    public override string ToString() => Name;
}

/// <summary>Every attack that is a command in a running cage. What needs a scene of its own is in <see cref="StagedAttackTests"/>.</summary>
public static class AttackCatalogue
{
    private const Result E = Result.Escaped, H = Result.Held, N = Result.None;

    public static IReadOnlyList<Attack> All { get; } =
    [
        new("chroot in a chroot, and `..`", "chroot_break {secret} {token}", E, H, H),
        new("node of the host's disk, read raw", "mknod_disk {major} {minor} {label}", E, E, H) { GuardOff = "--cap-add MKNOD", HeldByUsers = true },
        new("mount of the host's disk", "mount_disk {major} {minor} ext4 /secret", E, E, H),
        new("new mounts", "new_mount", E, E, H) { GuardOff = "--cap-add SYS_ADMIN" },
        new("remount of what is read-only", "remount /etc/resolv.conf", N, E, H) { GuardOff = "--cap-add SYS_ADMIN", HeldByUsers = true, Needs = "/etc/resolv.conf" },
        new("/proc/sys (core_pattern)", "open_write /proc/sys/kernel/core_pattern", E, E, H),
        new("/proc/sysrq-trigger", "open_write /proc/sysrq-trigger", E, E, H) { Needs = "/proc/sysrq-trigger" },
        new("/sys", "open_write /sys/kernel/rcu_normal", E, E, H),
        new("uevent helper", "open_write /sys/kernel/uevent_helper", E, E, H) { Needs = "/sys/kernel/uevent_helper" },
        new("/proc/1/root and /proc/PID/root", "proc_root {secret} {token}", E, E, H),
        new("ptrace of a host process", "trace {pid}", E, E, H),
        new("process_vm_readv of a host process", "read_memory {pid} {address} {token}", E, E, H),
        new("signal to a host process", "send_signal {pid}", E, E, H),
        new("hidden files of /proc", "masked timer_list", E, E, H) { GuardOff = "--cap-add SYS_ADMIN", HeldByUsers = true },
        new("modules", "kernel_call module", E, E, H) { Needs = "/proc/modules" },
        new("kexec", "kernel_call kexec", E, E, H) { Needs = "/sys/kernel/kexec_loaded" },
        new("bpf", "kernel_call bpf", E, E, H) { GuardOff = "--cap-add BPF", HeldByUsers = true },
        new("perf", "kernel_call perf", E, E, H) { GuardOff = "--cap-add PERFMON", HeldByUsers = true },
        new("userfaultfd", "kernel_call userfaultfd", E, E, H) { GuardOff = "--seccomp-allow userfaultfd --cap-add SYS_PTRACE", HeldByUsers = true },
        new("io_uring", "kernel_call io_uring", E, E, H) { GuardOff = "--seccomp-allow io_uring_setup" },
        new("abstract sockets of the host", "abstract_socket {socket} {token}", E, E, H) { GuardOff = "--sockets host", Needs = "landlock" },
        // The kernel itself refuses a user namespace to what is in a chroot.
        new("user namespace, then mount", "user_namespace", H, E, H) { GuardOff = "--seccomp off", User = "65534:65534" },
        new("release agent of control groups", "release_agent {controller}", E, E, H) { Needs = "/proc/cgroups" },
        new("file by its handle", "file_handle /etc/resolv.conf {handle} {token}", N, E, H) { GuardOff = "--cap-add DAC_READ_SEARCH", HeldByUsers = true, Needs = "one disk" },
        new("set-user-ID program", "gain_root", E, E, H) { GuardOff = "--setuid allow", User = "65534:65534" },
        new("calls of another ABI", "foreign_abi", E, E, H) { GuardOff = "--seccomp off", Needs = "x86-64" },
        new("raw io", "kernel_call iopl", E, E, H) { GuardOff = "--cap-add SYS_RAWIO", HeldByUsers = true, Needs = "iopl" },
    ];
}
