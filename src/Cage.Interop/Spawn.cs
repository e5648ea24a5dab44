using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Cage.Interop;

/// <summary>The step at which a start failed. Numbers as in Cage.Native/spawn.c.</summary>
public enum SpawnStage
{
    /// <summary>None did.</summary>
    None,

    /// <summary>The process or its namespaces could not be made (clone3(2)).</summary>
    Clone,

    /// <summary>A control group of version 1 could not be entered (write(2) to its tasks).</summary>
    Groups,

    /// <summary>The cage's namespaces could not be joined (setns(2)).</summary>
    Join,

    /// <summary>A namespace could not be left (unshare(2)).</summary>
    Unshare,

    /// <summary>The descriptors could not be put in place (dup2(2), close_range(2)).</summary>
    Descriptors,

    /// <summary>The session or its terminal could not be had (setsid(2), TIOCSCTTY).</summary>
    Session,

    /// <summary>The root could not be entered (chroot(2)).</summary>
    Root,

    /// <summary>The working directory could not be entered (chdir(2)).</summary>
    Directory,

    /// <summary>User and groups could not be taken (setresuid(2)).</summary>
    Identity,

    /// <summary>The program could not be executed (execve(2)).</summary>
    Execute,

    /// <summary>The caller's limits and its place with the kernel's killer could not be left behind (setrlimit(2), proc_pid_oom_score_adj(5)).</summary>
    Afresh,

    /// <summary>A session keyring of its own could not be had (keyctl(2)).</summary>
    Keyring,

    /// <summary>The abstract sockets of others could not be closed off (landlock(7)).</summary>
    Sockets,

    /// <summary>Capabilities could not be given up (capset(2), prctl(2)).</summary>
    Capabilities,

    /// <summary>The filter of system calls could not be set (seccomp(2)).</summary>
    Filter,

    /// <summary>The user namespace could not be entered (setns(2)).</summary>
    Users,
}

/// <summary>What a new process is to be. Everything not named is the caller's.</summary>
public sealed class SpawnRequest
{
    /// <summary>Paths to try in turn, as execvp(3) goes through PATH; ignored when <see cref="Executable"/> is given. They are tried by a program in
    /// between, so that none of them reaches the caller's by /proc/self/exe (Cage.Native/launcher.c).</summary>
    public IReadOnlyList<string> Candidates { get; init; } = [];

    /// <summary>An open program (execveat(2), AT_EMPTY_PATH).</summary>
    public Descriptor? Executable { get; init; }

    /// <summary>The arguments, the program's name first.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>The whole environment, as NAME=value.</summary>
    public required IReadOnlyList<string> Environment { get; init; }

    /// <summary>The n-th becomes descriptor n; no other one is inherited.</summary>
    public required IReadOnlyList<Descriptor> Descriptors { get; init; }

    /// <summary>The working directory, seen from inside the root; null keeps the caller's or, with <see cref="Root"/>, is the root.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>New namespaces to begin with, CLONE_NEW* (namespaces(7)).</summary>
    public ulong Create { get; init; }

    /// <summary>Namespaces to leave once in the control group: CLONE_NEWCGROUP, whose root is where the process is then.</summary>
    public ulong Unshare { get; init; }

    /// <summary>A pidfd of the process whose namespaces are joined, or a descriptor of one namespace.</summary>
    public Descriptor? JoinProcess { get; init; }

    /// <summary>Which of them, CLONE_NEW*.</summary>
    public ulong Join { get; init; }

    /// <summary>The control group (its directory, version 2) that the process is born in.</summary>
    public Descriptor? ControlGroup { get; init; }

    /// <summary>The <c>tasks</c> files of control groups of version 1, open for writing, that the process enters by itself before all else.</summary>
    public IReadOnlyList<Descriptor> TaskFiles { get; init; } = [];

    /// <summary>The directory that becomes the root (chroot(2)).</summary>
    public Descriptor? Root { get; init; }

    /// <summary>The user namespace that it ends up in, with <see cref="Identity"/> as that has it; null keeps the caller's.</summary>
    public Descriptor? Users { get; init; }

    /// <summary>User, group and supplementary groups; null keeps the caller's.</summary>
    public Identity? Identity { get; init; }

    /// <summary>What it gives up, last before it executes; null for nothing.</summary>
    public Confinement? Confinement { get; init; }

    /// <summary>Whether it begins with a session keyring of its own, umask 022, 1024 open files and no protection from the kernel's killer, whatever
    /// the caller has.</summary>
    public bool Afresh { get; init; }

    /// <summary>Whether it leads a session of its own (setsid(2)).</summary>
    public bool NewSession { get; init; }

    /// <summary>Whether descriptor 0 becomes its controlling terminal (TIOCSCTTY).</summary>
    public bool ControllingTerminal { get; init; }

    /// <summary>Whether it is nobody's child: the host's init waits for it, no parent has to.</summary>
    public bool Orphan { get; init; }

    /// <summary>Ends it (SIGKILL) while it is being started. Without that a start waits for as long as somebody in the cage holds it up (SIGSTOP).</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>The signal it gets when the calling thread ends (PR_SET_PDEATHSIG): the thread must live as long as the process may. 0 for none.</summary>
    public int DeathSignal { get; init; }
}

/// <summary>A user as the kernel knows one (credentials(7)).</summary>
/// <param name="Uid">User id.</param>
/// <param name="Gid">Group id.</param>
/// <param name="Groups">Supplementary group ids.</param>
public sealed record Identity(uint Uid, uint Gid, IReadOnlyList<uint> Groups);

/// <summary>A process that was started.</summary>
/// <param name="Id">Its number in the caller's pid namespace.</param>
/// <param name="Handle">Its pidfd, readable once it has ended (pidfd_open(2)).</param>
public sealed record SpawnedProcess(int Id, Descriptor Handle) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Handle.Dispose();
}

/// <summary>A start that failed, and at which step.</summary>
public sealed class SpawnException(SpawnStage stage, LinuxException inner) : Exception(inner.Message, inner)
{
    /// <summary>The step.</summary>
    public SpawnStage Stage { get; } = stage;

    /// <summary>The errno.</summary>
    public int Number { get; } = inner.Number;
}

/// <summary>Starts processes: the only way in which Cage does (Cage.Native/spawn.c).</summary>
public static unsafe partial class Spawn
{
#pragma warning disable CS1591 // namespaces(7)
    public const ulong CLONE_NEWTIME = 0x80, CLONE_NEWNS = 0x20000, CLONE_NEWCGROUP = 0x2000000, CLONE_NEWUTS = 0x4000000, CLONE_NEWIPC = 0x8000000,
        CLONE_NEWUSER = 0x10000000, CLONE_NEWPID = 0x20000000, CLONE_NEWNET = 0x40000000;
#pragma warning restore CS1591

    private const uint NewSession = 1, ControllingTerminal = 2, SetIdentity = 4, Orphan = 8, Afresh = 16;

    /// <summary>Makes what the first start in this process makes, beforehand. What fails, that start says.</summary>
    public static void Prepare() => cage_prepare();

    /// <summary>Starts the process and returns once the program has been executed.</summary>
    /// <exception cref="SpawnException">The step that failed, with its errno. No process is left.</exception>
    /// <exception cref="OperationCanceledException">It had been cancelled before anything was started; or, in <c>cage</c>, a signal that <see cref="Signals.Watch"/> is told of ended it.</exception>
    public static SpawnedProcess Start(SpawnRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        using Strings candidates = new(request.Candidates), arguments = new(request.Arguments), environment = new(request.Environment);
        int[] descriptors = Array.ConvertAll([.. request.Descriptors], descriptor => descriptor.Number), tasks = Array.ConvertAll([.. request.TaskFiles], file => file.Number);
        uint[] groups = request.Identity is null ? [] : [.. request.Identity.Groups];
        byte[]? directory = request.WorkingDirectory is null ? null : Files.Terminated(request.WorkingDirectory);
        Native native = new()
        {
            Candidates = candidates.Pointer,
            Arguments = arguments.Pointer,
            Environment = environment.Pointer,
            Create = request.Create,
            Unshare = request.Unshare,
            Join = request.JoinProcess is null ? 0 : request.Join,
            JoinDescriptor = request.JoinProcess?.Number ?? -1,
            ControlGroup = request.ControlGroup?.Number ?? -1,
            Root = request.Root?.Number ?? -1,
            Executable = request.Executable?.Number ?? -1,
            Users = request.Users?.Number ?? -1,
            DescriptorCount = (uint)descriptors.Length,
            GroupCount = (uint)groups.Length,
            TaskFileCount = (uint)tasks.Length,
            Uid = request.Identity?.Uid ?? 0,
            Gid = request.Identity?.Gid ?? 0,
            Flags = (request.NewSession ? NewSession : 0) | (request.ControllingTerminal ? ControllingTerminal : 0) |
                (request.Identity is null ? 0 : SetIdentity) | (request.Orphan ? Orphan : 0) | (request.Afresh ? Afresh : 0),
            DeathSignal = request.DeathSignal,
            PidDescriptor = -1,
        };
        fixed (int* numbers = descriptors)
        fixed (int* taskFiles = tasks)
        fixed (uint* ids = groups)
        fixed (byte* path = directory)
        fixed (ulong* filter = request.Confinement?.Filter)
        {
            Confinement.Native confinement = request.Confinement?.ToNative(filter) ?? default;
            native.Confinement = request.Confinement is null ? null : &confinement;
            native.Descriptors = numbers;
            native.Groups = ids;
            native.TaskFiles = taskFiles;
            native.Directory = path;
            int result;
            using (Guard guard = new(&native, request.Cancellation)) result = cage_spawn(&native);
            GC.KeepAlive(request);
            if (result == 0) return new SpawnedProcess(native.Pid, new Descriptor(native.PidDescriptor));
        }
        if ((SpawnStage)native.FailedStage == SpawnStage.None) throw new OperationCanceledException();
        string? target = (SpawnStage)native.FailedStage switch
        {
            SpawnStage.Execute => request.Arguments[0],
            SpawnStage.Directory => request.WorkingDirectory,
            _ => null,
        };
        throw new SpawnException((SpawnStage)native.FailedStage, new LinuxException(native.Error, Operation((SpawnStage)native.FailedStage), target));
    }

    internal static string Operation(SpawnStage stage) => stage switch
    {
        SpawnStage.Clone => "clone3",
        SpawnStage.Groups => "write",
        SpawnStage.Join or SpawnStage.Users => "setns",
        SpawnStage.Unshare => "unshare",
        SpawnStage.Descriptors => "dup2",
        SpawnStage.Session => "setsid",
        SpawnStage.Root => "chroot",
        SpawnStage.Directory => "chdir",
        SpawnStage.Identity => "setresuid",
        SpawnStage.Afresh => "setrlimit",
        SpawnStage.Keyring => "keyctl",
        SpawnStage.Sockets => "landlock_restrict_self",
        SpawnStage.Capabilities => "capset",
        SpawnStage.Filter => "seccomp",
        _ => "execve",
    };

    /// <summary>Ends what is being started when it is cancelled, until it is disposed.</summary>
    private readonly ref struct Guard
    {
        private const int Pause = 1;

        private readonly CancellationTokenRegistration _registration;
        private readonly StrongBox<bool>? _over;

        public Guard(Native* request, CancellationToken cancellation)
        {
            if (!cancellation.CanBeCanceled) return;
            StrongBox<bool> over = _over = new();
            nint address = (nint)request;
            int starter = Environment.CurrentManagedThreadId;
            // One that has been cancelled already calls at once, on this very thread: it would wait for what this thread is about to start.
            _registration = cancellation.UnsafeRegister(
                _ =>
                {
                    if (Environment.CurrentManagedThreadId != starter) End(address, over);
                },
                null);
            if (!cancellation.IsCancellationRequested) return;
            Dispose();
            throw new OperationCanceledException(cancellation);
        }

        /// <summary>Waits for one that is at work: what it looks at is ours.</summary>
        public void Dispose()
        {
            if (_over is not null) Volatile.Write(ref _over.Value, true);
            _registration.Dispose();
        }

        private static void End(nint request, StrongBox<bool> over)
        {
            while (!Volatile.Read(ref over.Value) && cage_spawn_end((Native*)request) == 0) Thread.Sleep(Pause);
        }
    }

    /// <summary>A NULL-terminated array of C strings in one block of unmanaged memory.</summary>
    private readonly ref struct Strings
    {
        public readonly byte** Pointer;

        public Strings(IReadOnlyList<string> texts)
        {
            int size = (texts.Count + 1) * sizeof(byte*);
            foreach (string text in texts) size += Encoding.UTF8.GetByteCount(text) + 1;
            Pointer = (byte**)NativeMemory.Alloc((nuint)size);
            byte* next = (byte*)(Pointer + texts.Count + 1), end = (byte*)Pointer + size;
            for (int i = 0; i < texts.Count; i++)
            {
                Pointer[i] = next;
                ReadOnlySpan<byte> bytes = PathText.Encode(texts[i]);
                bytes.CopyTo(new Span<byte>(next, (int)(end - next)));
                next += bytes.Length;
                *next++ = 0;
            }
            Pointer[texts.Count] = null;
        }

        public void Dispose() => NativeMemory.Free(Pointer);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Native
    {
        public byte** Candidates, Arguments, Environment;
        public int* Descriptors;
        public byte* Directory;
        public uint* Groups;
        public int* TaskFiles;
        public Confinement.Native* Confinement;
        public ulong Create, Unshare, Join;
        public int JoinDescriptor, ControlGroup, Root, Executable, Users;
        public uint DescriptorCount, GroupCount, TaskFileCount, Uid, Gid, Flags;
        public int DeathSignal;
        public int Pid, PidDescriptor, Error, FailedStage;
    }

    [LibraryImport("libcage-spawn")]
    private static partial int cage_spawn(Native* request);

    [LibraryImport("libcage-spawn")]
    private static partial int cage_spawn_end(Native* request);

    [LibraryImport("libcage-spawn")]
    private static partial void cage_prepare();
}
