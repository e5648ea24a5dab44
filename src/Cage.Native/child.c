/*
 * What the child of spawn.c does between clone3 and execve: joins, arranges, gives up, executes. It shares its parent's memory, so that it
 * may only make plain system calls, and what it changes here its parent sees.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"
#include "confine.h"

#define NEEDED 5

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

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

/* The n-th source becomes descriptor n. They are first lifted above every target, so that no target overwrites a source still to come. */
static void place(struct request *request, const int32_t *sources, int count)
{
    int lifted[count];
    for (int i = 0; i < count; i++)
        if (sources[i] >= 0 && (lifted[i] = fcntl(sources[i], F_DUPFD_CLOEXEC, count)) < 0)
            fail(request, STAGE_DESCRIPTORS);
    for (int i = 0; i < count; i++)
        if (sources[i] >= 0 && dup2(lifted[i], i) < 0)
            fail(request, STAGE_DESCRIPTORS);
}

/* The command's own, then those that are needed until it executes; all others are closed. */
static void arrange_descriptors(struct start *start)
{
    struct request *request = start->request;
    int count = (int)request->descriptor_count;
    int32_t sources[count + NEEDED];
    memcpy(sources, request->descriptors, (size_t)count * sizeof *sources);
    int32_t *const needed[NEEDED] = { &start->channel, &start->launcher, &request->exec_fd, &request->root_fd, &request->users_fd };
    for (int i = 0; i < NEEDED; i++)
        sources[count + i] = *needed[i];
    place(request, sources, count + NEEDED);
    for (int i = 0; i < NEEDED; i++) {
        if (*needed[i] < 0)
            close(count + i);
        else
            *needed[i] = count + i;
    }
    if (syscall(SYS_close_range, count + NEEDED, ~0u, 0) < 0 || (start->launcher >= 0 && fcntl(start->launcher, F_SETFD, FD_CLOEXEC) < 0) ||
        (request->exec_fd >= 0 && fcntl(request->exec_fd, F_SETFD, FD_CLOEXEC) < 0))
        fail(request, STAGE_DESCRIPTORS);
}

/* A path of the cage must not have led out of it: the kernel says so of a directory that is not below the root (getcwd(2)). */
static void enter_directory(struct request *request)
{
    char path[4096];
    if (chdir(request->directory) < 0 || syscall(SYS_getcwd, path, sizeof path) < 0)
        fail(request, STAGE_DIRECTORY);
    if (path[0] != '/')
        fail_with(request, STAGE_DIRECTORY, EXDEV);
}

/*
 * With all privileges in it, and none outside. Its root from the start: from the caller's own ids, which are none there, the kernel
 * would not take capabilities away when another user is taken.
 */
static void enter_users(struct request *request)
{
    if (setns(request->users_fd, CLONE_NEWUSER) < 0 || close(request->users_fd) < 0 || syscall(SYS_setgroups, 0L, NULL) < 0 ||
        syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setresuid, 0, 0, 0) < 0)
        fail(request, STAGE_USERS);
}

/* The raw calls: libc's setuid family would signal every thread of the process whose memory we share. */
static void take_identity(struct request *request)
{
    if (syscall(SYS_setgroups, (long)request->group_count, request->groups) < 0 ||
        syscall(SYS_setresgid, request->gid, request->gid, request->gid) < 0 ||
        syscall(SYS_setresuid, request->uid, request->uid, request->uid) < 0)
        fail(request, STAGE_IDENTITY);
}

static void __attribute__((noreturn)) execute(struct start *start)
{
    struct request *request = start->request;
    char *const *arguments = start->launcher >= 0 ? (char *const *)start->words : request->argv;
    syscall(SYS_execveat, start->launcher >= 0 ? start->launcher : request->exec_fd, "", arguments, request->envp, AT_EMPTY_PATH);
    fail(request, STAGE_EXECUTE);
}

static void confine(struct request *request, enum stage (*part)(const struct confinement *))
{
    enum stage failed = request->confinement ? part(request->confinement) : STAGE_NONE;
    if (failed)
        fail(request, failed);
}

void cage_settle(struct start *start)
{
    struct request *request = start->request;
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
    arrange_descriptors(start);
    /* Only now: the caller may have more descriptors open than the limit allows. */
    enum stage failed = request->flags & AFRESH ? cage_start_afresh() : STAGE_NONE;
    /* Whoever the kernel's killer is to spare, the caller or a supervisor of ours, does not hand that on. */
    if (failed || (failed = cage_give_up_sparing()))
        fail(request, failed);
    if ((request->flags & NEW_SESSION) && setsid() < 0)
        fail(request, STAGE_SESSION);
    if ((request->flags & CONTROLLING_TERMINAL) && ioctl(0, TIOCSCTTY, 0) < 0)
        fail(request, STAGE_SESSION);
    if (request->root_fd >= 0 && (fchdir(request->root_fd) < 0 || chroot(".") < 0 || close(request->root_fd) < 0))
        fail(request, STAGE_ROOT);
    if (request->users_fd >= 0)
        enter_users(request);
    if (request->directory)
        enter_directory(request);
    confine(request, cage_confine_early);
    if (request->flags & SET_IDENTITY)
        take_identity(request);
    /* After the identity, which clears it (prctl(2)). */
    if (request->death_signal && prctl(PR_SET_PDEATHSIG, request->death_signal, 0, 0, 0) < 0)
        fail(request, STAGE_SESSION);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    confine(request, cage_confine_late);
}

void cage_child(struct start *start)
{
    cage_settle(start);
    execute(start);
}
