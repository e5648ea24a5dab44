/*
 * Starts one program, in the namespaces, control group and root that it is to have.
 *
 * What must happen between clone and execve cannot be managed code: a child of a process with threads may only make
 * plain system calls until it has executed (signal-safety(7)). So this part is C, for both faces: linked into `cage`,
 * loaded as libcage-spawn.so by pwsh.
 *
 *   caller ──clone3(VFORK, INTO_CGROUP)──► child ──setns──► launcher.c ──► execve   (a command in a running cage)
 *   caller ──clone3(VFORK)──► usher ──clone3(VFORK, INTO_CGROUP, NEW*)──► child ──► execve       (a cage's init)
 *   caller ──clone3(INTO_CGROUP, NEW*)──► copy, which goes on                                    (that of headstart.c)
 *
 * A cage's pid namespace is joined by the calling thread, since setns(2) has it hold for children only, and left again; all
 * others by the child, since a mount or user namespace needs a process whose file-system state and threads nobody shares.
 * The usher ends at once, so that its child is an orphan that nobody but the host's init needs to wait for. It shares the
 * table of descriptors (CLONE_FILES), so that the pidfd that clone3 makes is the caller's.
 *
 * The child shares the caller's memory until it executes. So for that while the caller's memory is closed to tracing (shelter): in the
 * cage, somebody with the child's user could look into the host's process by it. None of the caller's descriptors is open when the child
 * first follows a path of the cage, since /proc/self/fd would lead out (CVE-2024-21626).
 *
 * clone3 places the child into its control group at birth. Moving it there by a write to cgroup.procs waits for an
 * RCU grace period instead: 11 ms on kernel 6.18, against nothing measurable.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"

#define SYS_pidfd_send_signal_number 424
#ifndef MFD_EXEC
#define MFD_EXEC 0x10u
#endif
#ifndef F_ADD_SEALS
#define F_ADD_SEALS 1033
#define F_SEAL_SEAL 1
#define F_SEAL_SHRINK 2
#define F_SEAL_GROW 4
#define F_SEAL_WRITE 8
#endif

__asm__(".section .rodata\n"
        "launcher_begin: .incbin \"cage-launcher\"\n"
        "launcher_end:\n"
        ".previous\n");
extern const char launcher_begin[] __attribute__((visibility("hidden"))), launcher_end[] __attribute__((visibility("hidden")));

/*
 * clone3 with the caller's own stack, as vfork and fork have it. It must be inlined: a call's return address would be overwritten
 * by the child before the parent comes back to use it.
 */
static inline __attribute__((always_inline)) long clone_process(struct clone_args *args)
{
#if defined(__x86_64__)
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"((long)SYS_clone3), "D"(args), "S"(sizeof *args)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = SYS_clone3;
    register long x0 __asm__("x0") = (long)args;
    register long x1 __asm__("x1") = sizeof *args;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1) : "memory");
    return x0;
#else
#error "Cage knows x86-64 and arm64."
#endif
}

static struct clone_args describe(struct request *request, uint64_t more)
{
    struct clone_args args = {
        .flags = request->create | more | CLONE_PIDFD,
        .pidfd = (uint64_t)(uintptr_t)&request->pidfd,
        .exit_signal = SIGCHLD,
    };
    if (request->cgroup_fd >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)request->cgroup_fd;
    }
    return args;
}

static void note(struct request *request, long pid)
{
    if (pid < 0) {
        request->error = (int)-pid;
        request->failed_stage = STAGE_CLONE;
    } else {
        request->pid = (int)pid;
    }
}

static void __attribute__((noinline)) start_child(struct start *start)
{
    struct clone_args args = describe(start->request, CLONE_VM | CLONE_VFORK | CLONE_CLEAR_SIGHAND);
    long pid = clone_process(&args);
    if (pid == 0)
        cage_child(start);
    note(start->request, pid);
}

static void __attribute__((noinline, noreturn)) usher(struct start *start)
{
    start_child(start);
    _exit(0);
}

static void __attribute__((noinline)) start_orphan(struct start *start)
{
    struct request *request = start->request;
    struct clone_args args = { .flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD };
    long pid = clone_process(&args);
    if (pid == 0)
        usher(start);
    if (pid < 0) {
        request->error = (int)-pid;
        request->failed_stage = STAGE_CLONE;
        return;
    }
    while (waitpid((pid_t)pid, NULL, __WALL) < 0 && errno == EINTR)
        ;
}

static void start_joined(struct start *start)
{
    struct request *request = start->request;
    int own = open("/proc/thread-self/ns/pid", O_RDONLY | O_CLOEXEC);
    if (own < 0 || setns(request->join_fd, CLONE_NEWPID) < 0) {
        request->error = errno;
        request->failed_stage = STAGE_JOIN;
    } else {
        start_child(start);
        /* Into the namespace that the thread is in anyway: this cannot fail. */
        setns(own, CLONE_NEWPID);
    }
    if (own >= 0)
        close(own);
}

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

/* Closes our memory to tracing while a child has it too; several threads may be starting something. */
static void shelter(int begins)
{
    static int users, before;
    pthread_mutex_lock(&turn);
    if (begins && users++ == 0 && (before = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)))
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (!begins && --users == 0 && before == 1)
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    pthread_mutex_unlock(&turn);
}

/* The launcher as a file that can be executed and not be changed, made when it is first needed; -1 with errno. */
static int open_launcher(void)
{
    static int file = -1;
    pthread_mutex_lock(&turn);
    if (file < 0) {
        size_t size = (size_t)(launcher_end - launcher_begin);
        int made = (int)syscall(SYS_memfd_create, "cage", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
        if (made < 0 && errno == EINVAL) /* before Linux 6.3 every one can be executed */
            made = (int)syscall(SYS_memfd_create, "cage", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (made >= 0 && write(made, launcher_begin, size) == (ssize_t)size &&
            fcntl(made, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0)
            file = made;
        else if (made >= 0)
            close(made);
    }
    pthread_mutex_unlock(&turn);
    return file;
}

/* An end of file says that the command has been executed. One that has ended says no more, though somebody inside may have taken the channel from it. */
static void hear_launcher(struct request *request, int channel)
{
    struct pollfd ends[] = { { .fd = channel, .events = POLLIN }, { .fd = request->pidfd, .events = POLLIN } };
    while (poll(ends, 2, -1) < 0 && errno == EINTR)
        ;
    int error = 0;
    if (!ends[0].revents || read(channel, &error, sizeof error) != sizeof error)
        return;
    request->error = error;
    request->failed_stage = STAGE_EXECUTE;
}

static void start_by_kind(struct start *start)
{
    shelter(1);
    if (start->request->flags & ORPHAN)
        start_orphan(start);
    else if (start->request->join & CLONE_NEWPID)
        start_joined(start);
    else
        start_child(start);
    shelter(0);
}

static size_t count_words(const char *const *words)
{
    size_t count = 0;
    while (words[count])
        count++;
    return count;
}

static void start_launched(struct request *request)
{
    size_t candidates = count_words(request->candidates), arguments = count_words((const char *const *)request->argv);
    /* The channel comes right after the command's own descriptors (arrange_descriptors). */
    char numbers[48];
    snprintf(numbers, sizeof numbers, "%u,%zu", request->descriptor_count, candidates);
    const char **words = malloc((1 + candidates + arguments + 1) * sizeof *words);
    int ends[2] = { -1, -1 }, launcher = open_launcher();
    if (!words || launcher < 0 || pipe2(ends, O_CLOEXEC) < 0) {
        request->error = errno;
        request->failed_stage = STAGE_DESCRIPTORS;
    } else {
        words[0] = numbers;
        memcpy(words + 1, request->candidates, candidates * sizeof *words);
        memcpy(words + 1 + candidates, request->argv, (arguments + 1) * sizeof *words);
        start_by_kind(&(struct start){ .request = request, .launcher = launcher, .channel = ends[1], .words = words });
        close(ends[1]);
        if (!request->error)
            hear_launcher(request, ends[0]);
        close(ends[0]);
    }
    free(words);
}

__attribute__((visibility("default"))) void cage_prepare(void)
{
    open_launcher();
}

/*
 * Somebody inside may stop the child (SIGSTOP) before it has executed, and its parent would wait for ever, deaf to signals: for the end of
 * the vfork, or for the launcher's word. So another thread can end it. Returns whether there was one.
 */
__attribute__((visibility("default"))) int cage_spawn_end(struct request *request)
{
    pthread_mutex_lock(&turn);
    int there = request->pidfd >= 0;
    if (there)
        syscall(SYS_pidfd_send_signal_number, request->pidfd, SIGKILL, NULL, 0);
    pthread_mutex_unlock(&turn);
    return there;
}

/* Whoever holds it has its signals blocked, so that a handler may wait for it; and what is being started meanwhile. */
static pthread_mutex_t interruption = PTHREAD_MUTEX_INITIALIZER;
static struct request *starting;
static volatile sig_atomic_t interrupted;

static void begin(struct request *request)
{
    pthread_mutex_lock(&interruption);
    starting = request;
    pthread_mutex_unlock(&interruption);
}

/*
 * For a handler of signals, in a program that starts one process at a time: the thread that starts it is deaf to them for as long as somebody in
 * the cage holds it up. Nothing more is started afterwards.
 */
void cage_spawn_interrupt(void)
{
    interrupted = 1;
    for (int comes_up = 1; comes_up; ) {
        pthread_mutex_lock(&interruption);
        comes_up = starting && !cage_spawn_end(starting);
        pthread_mutex_unlock(&interruption);
        if (comes_up)
            poll(NULL, 0, 1);
    }
}

/* As fork(2) has it, libc's notion of the thread's number included, for a program of one thread whose memory is small still. */
int cage_spawn_copy(struct request *request, int channel)
{
    uint32_t *thread;
    if (prctl(PR_GET_TID_ADDRESS, &thread, 0, 0, 0) < 0)
        return -1;
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    struct clone_args args = describe(request, CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID);
    args.child_tid = (uint64_t)(uintptr_t)thread;
    long pid = clone_process(&args);
    if (pid == 0) {
        struct start start = { .request = request, .launcher = -1, .channel = channel };
        cage_settle(&start);
        close(start.channel);
        return 1;
    }
    note(request, pid);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return request->error ? -1 : 0;
}

__attribute__((visibility("default"))) int cage_spawn(struct request *request)
{
    sigset_t all, before;
    sigfillset(&all);
    request->pid = 0;
    request->pidfd = -1;
    request->error = 0;
    request->failed_stage = STAGE_NONE;
    pthread_sigmask(SIG_SETMASK, &all, &before);
    begin(request);
    if (interrupted)
        ;
    else if (request->exec_fd >= 0)
        start_by_kind(&(struct start){ .request = request, .launcher = -1, .channel = -1 });
    else
        start_launched(request);
    begin(NULL);
    if (interrupted) {
        request->error = EINTR;
        request->failed_stage = STAGE_NONE;
    }
    if (request->error && request->pid > 0) {
        /* What the launcher says comes from inside the cage: it may not have ended. */
        syscall(SYS_pidfd_send_signal_number, request->pidfd, SIGKILL, NULL, 0);
        while (!(request->flags & ORPHAN) && waitpid(request->pid, NULL, __WALL) < 0 && errno == EINTR)
            ;
        pthread_mutex_lock(&turn);
        close(request->pidfd);
        request->pidfd = -1;
        pthread_mutex_unlock(&turn);
        request->pid = 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return request->error ? -1 : 0;
}
