/*
 * Starts one program, in the namespaces, control group and root that it is to have.
 *
 * What must happen between clone and execve cannot be managed code: a child of a process with threads may only make
 * plain system calls until it has executed (signal-safety(7)). So this part is C, for both faces: linked into `cage`,
 * loaded as libcage-spawn.so by pwsh.
 *
 *   caller ──clone3(VFORK, INTO_CGROUP)──► child ──setns──► execve                  (a command in a running cage)
 *   caller ──clone3(VFORK)──► usher ──clone3(VFORK, INTO_CGROUP, NEW*)──► child ──► execve       (a cage's init)
 *
 * A cage's pid namespace is joined by the calling thread, since setns(2) has it hold for children only, and left again; all
 * others by the child, since a mount or user namespace needs a process whose file-system state and threads nobody shares.
 * The usher ends at once, so that its child is an orphan that nobody but the host's init needs to wait for. It shares the
 * table of descriptors (CLONE_FILES), so that the pidfd that clone3 makes is the caller's.
 *
 * clone3 places the child into its control group at birth. Moving it there by a write to cgroup.procs waits for an
 * RCU grace period instead: 11 ms on kernel 6.18, against nothing measurable.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spawn.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#define CLOSE_RANGE_CLOEXEC_FLAG 4u

/*
 * clone3 with the caller's own stack, as vfork has it. It must be inlined: a call's return address would be overwritten
 * by the child before the parent comes back to use it.
 */
static inline __attribute__((always_inline)) long clone_vfork(struct clone_args *args)
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

static void __attribute__((noreturn)) fail_with(struct request *request, enum stage stage, int error)
{
    request->error = error;
    request->failed_stage = stage;
    _exit(127);
}

static void __attribute__((noreturn)) fail(struct request *request, enum stage stage)
{
    fail_with(request, stage, errno);
}

/* Sources are first lifted above every target, so that no target overwrites a source still to come. */
static void arrange_descriptors(struct request *request)
{
    int count = (int)request->descriptor_count;
    int lifted[count ? count : 1];
    for (int i = 0; i < count; i++)
        if ((lifted[i] = fcntl(request->descriptors[i], F_DUPFD_CLOEXEC, count)) < 0)
            fail(request, STAGE_DESCRIPTORS);
    int exec_fd = request->exec_fd;
    if (exec_fd >= 0 && exec_fd < count && (exec_fd = request->exec_fd = fcntl(exec_fd, F_DUPFD_CLOEXEC, count)) < 0)
        fail(request, STAGE_DESCRIPTORS);
    int root_fd = request->root_fd;
    if (root_fd >= 0 && root_fd < count && (root_fd = request->root_fd = fcntl(root_fd, F_DUPFD_CLOEXEC, count)) < 0)
        fail(request, STAGE_DESCRIPTORS);
    for (int i = 0; i < count; i++)
        if (dup2(lifted[i], i) < 0)
            fail(request, STAGE_DESCRIPTORS);
    if (syscall(SYS_close_range, count, ~0u, CLOSE_RANGE_CLOEXEC_FLAG) < 0)
        fail(request, STAGE_DESCRIPTORS);
}

/* The raw calls: libc's setuid family would signal every thread of the process whose memory we share. */
static void take_identity(struct request *request)
{
    if (syscall(SYS_setgroups, (long)request->group_count, request->groups) < 0 ||
        syscall(SYS_setresgid, request->gid, request->gid, request->gid) < 0 ||
        syscall(SYS_setresuid, request->uid, request->uid, request->uid) < 0)
        fail(request, STAGE_IDENTITY);
}

/* As execvp(3): a candidate that is not there lets the next one be tried, a forbidden one is remembered. */
static void __attribute__((noreturn)) execute(struct request *request)
{
    int error = ENOENT;
    if (request->exec_fd >= 0) {
        syscall(SYS_execveat, request->exec_fd, "", request->argv, request->envp, AT_EMPTY_PATH);
        error = errno;
    } else {
        for (const char *const *path = request->candidates; *path; path++) {
            execve(*path, request->argv, request->envp);
            if (errno == EACCES)
                error = EACCES;
            else if (errno != ENOENT && errno != ENOTDIR) {
                error = errno;
                break;
            }
        }
    }
    fail_with(request, STAGE_EXECUTE, error);
}

static void __attribute__((noinline, noreturn)) child(struct request *request)
{
    /* CLONE_CLEAR_SIGHAND has taken the handlers away, which must not run here; SIGPIPE, ignored by .NET, would stay so. */
    sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
    /* By the child itself, and before it sees a control group namespace of its own: LegacyGroups says why. */
    for (uint32_t i = 0; i < request->task_file_count; i++)
        if (write(request->task_files[i], "0", 1) < 0)
            fail(request, STAGE_GROUPS);
    uint64_t join = request->join & ~(uint64_t)CLONE_NEWPID;
    if (join && setns(request->join_fd, (int)join) < 0)
        fail(request, STAGE_JOIN);
    if (request->unshare && unshare((int)request->unshare) < 0)
        fail(request, STAGE_UNSHARE);
    arrange_descriptors(request);
    if ((request->flags & NEW_SESSION) && setsid() < 0)
        fail(request, STAGE_SESSION);
    if ((request->flags & CONTROLLING_TERMINAL) && ioctl(0, TIOCSCTTY, 0) < 0)
        fail(request, STAGE_SESSION);
    if (request->root_fd >= 0 && (fchdir(request->root_fd) < 0 || chroot(".") < 0))
        fail(request, STAGE_ROOT);
    if (request->directory && chdir(request->directory) < 0)
        fail(request, STAGE_DIRECTORY);
    if (request->flags & SET_IDENTITY)
        take_identity(request);
    /* After the identity, which clears it (prctl(2)). */
    if (request->death_signal && prctl(PR_SET_PDEATHSIG, request->death_signal, 0, 0, 0) < 0)
        fail(request, STAGE_SESSION);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execute(request);
}

static void __attribute__((noinline)) start_child(struct request *request)
{
    struct clone_args args = {
        .flags = request->create | CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
        .pidfd = (uint64_t)(uintptr_t)&request->pidfd,
        .exit_signal = SIGCHLD,
    };
    if (request->cgroup_fd >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)request->cgroup_fd;
    }
    long pid = clone_vfork(&args);
    if (pid == 0)
        child(request);
    if (pid < 0) {
        request->error = (int)-pid;
        request->failed_stage = STAGE_CLONE;
    } else {
        request->pid = (int)pid;
    }
}

static void __attribute__((noinline, noreturn)) usher(struct request *request)
{
    start_child(request);
    _exit(0);
}

static void __attribute__((noinline)) start_orphan(struct request *request)
{
    struct clone_args args = { .flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD };
    long pid = clone_vfork(&args);
    if (pid == 0)
        usher(request);
    if (pid < 0) {
        request->error = (int)-pid;
        request->failed_stage = STAGE_CLONE;
        return;
    }
    while (waitpid((pid_t)pid, NULL, __WALL) < 0 && errno == EINTR)
        ;
}

static void start_joined(struct request *request)
{
    int own = open("/proc/thread-self/ns/pid", O_RDONLY | O_CLOEXEC);
    if (own < 0 || setns(request->join_fd, CLONE_NEWPID) < 0) {
        request->error = errno;
        request->failed_stage = STAGE_JOIN;
    } else {
        start_child(request);
        /* Into the namespace that the thread is in anyway: this cannot fail. */
        setns(own, CLONE_NEWPID);
    }
    if (own >= 0)
        close(own);
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
    if (request->flags & ORPHAN)
        start_orphan(request);
    else if (request->join & CLONE_NEWPID)
        start_joined(request);
    else
        start_child(request);
    if (request->error && request->pid > 0) {
        while (!(request->flags & ORPHAN) && waitpid(request->pid, NULL, __WALL) < 0 && errno == EINTR)
            ;
        close(request->pidfd);
        request->pid = 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return request->error ? -1 : 0;
}
