/*
 * Makes a user namespace that nobody is in, and a network namespace that belongs to it where one is asked for. They last as long as their
 * descriptors do: a cage's init holds the first, and commands enter it last before they give up privileges (child.c).
 *
 * A namespace begins with a process, and only one outside of it may say whose ids stand for its own (user_namespaces(7)). That process is not
 * to be a copy of pwsh: it has our memory and our descriptors, a stack of its own, and waits to be killed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Which call failed. The numbers are known to Cage.Interop's UserNamespace. */
enum call { CALL_NONE, CALL_CLONE, CALL_MAP, CALL_OPEN };

struct made {
    int32_t user;    /* result: a descriptor */
    int32_t network; /* result: a descriptor, or -1 where none was asked for */
    int32_t error;   /* result: an errno, or 0 */
};

/* No signal comes through but the last, so that the call never returns, nor sets errno, which is our thread's. */
static int __attribute__((noreturn)) wait_to_be_killed(void *nothing)
{
    for (;;)
        syscall(SYS_ppoll, nothing, 0, NULL, NULL, 0);
}

static int open_of(pid_t pid, const char *name, int flags)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return open(path, flags | O_CLOEXEC);
}

static int write_map(pid_t pid, const char *name, const char *map)
{
    int file = open_of(pid, name, O_WRONLY);
    if (file < 0)
        return -1;
    ssize_t count = write(file, map, strlen(map));
    int error = errno;
    close(file);
    errno = error;
    return count < 0 ? -1 : 0;
}

static enum call take(struct made *made, pid_t pid, const char *map, int with_network)
{
    if (write_map(pid, "uid_map", map) < 0 || write_map(pid, "gid_map", map) < 0)
        return CALL_MAP;
    if ((made->user = open_of(pid, "ns/user", O_RDONLY)) < 0 || (with_network && (made->network = open_of(pid, "ns/net", O_RDONLY)) < 0))
        return CALL_OPEN;
    return CALL_NONE;
}

/* Ids from 0 to count are first, first + 1… outside. Returns which call failed. */
__attribute__((visibility("default"))) int32_t cage_make_user_namespace(uint32_t first, uint32_t count, int32_t with_network, struct made *made)
{
    char map[48], stack[16384] __attribute__((aligned(16)));
    sigset_t all, before;
    *made = (struct made){ .user = -1, .network = -1 };
    snprintf(map, sizeof map, "0 %u %u\n", first, count);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int flags = CLONE_VM | CLONE_FILES | CLONE_NEWUSER | (with_network ? CLONE_NEWNET : 0);
    /* It ends without a signal: SIGCHLD is for those whom .NET waits for. */
    pid_t pid = clone(wait_to_be_killed, stack + sizeof stack, flags, NULL);
    enum call failed = CALL_CLONE;
    int error = errno;
    if (pid > 0) {
        failed = take(made, pid, map, with_network);
        error = errno;
        kill(pid, SIGKILL);
        while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
            ;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        made->error = error;
        if (made->user >= 0)
            close(made->user);
    }
    return failed;
}
