/*
 * Takes privileges away from the calling thread, for good: capabilities(7), prctl(2), seccomp(2), landlock(7). For the child of spawn.c,
 * last before it executes, and for a cage's init once it has mounted everything.
 *
 *   early:  while it is still root in full   sockets, bounding set, ambient set, securebits (and the filter, where privileges may be gained)
 *   late:   when it is who it is to be       capabilities, no_new_privs, the filter
 *
 * A filter needs no_new_privs or CAP_SYS_ADMIN (seccomp(2)). So where set-user-ID programs are allowed, it comes early, and what
 * is still to be done has to pass it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <linux/filter.h>
#include <linux/securebits.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine.h"

/* Newer than the headers that this is built with may be. */
#define SYS_landlock_create_ruleset_number 444
#define SYS_landlock_restrict_self_number 446
#define SCOPE_ABSTRACT_UNIX_SOCKET 1u

/* What systemd gives a service; .NET has raised its own to the hard limit. */
#define SOFT_FILES 1024

static int lower_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -1;
    if (limit.rlim_cur <= SOFT_FILES)
        return 0;
    limit.rlim_cur = limit.rlim_max < SOFT_FILES ? limit.rlim_max : SOFT_FILES;
    return setrlimit(RLIMIT_NOFILE, &limit);
}

/* Where there is no /proc, there is nothing to do it by; what a cage has put in its place is not waited for. */
enum stage cage_give_up_sparing(void)
{
    char text[8] = "";
    int file = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return STAGE_NONE;
    int failed = read(file, text, sizeof text - 1) > 0 && text[0] == '-' && pwrite(file, "0", 1, 0) != 1;
    close(file);
    return failed ? STAGE_AFRESH : STAGE_NONE;
}

/* A session keyring of its own, and none of the caller's habits. */
enum stage cage_start_afresh(void)
{
    umask(022);
    if (lower_file_limit() < 0)
        return STAGE_AFRESH;
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
        return STAGE_KEYRING;
    return STAGE_NONE;
}

/* Abstract sockets made by anybody else cannot be connected to any more (Linux 6.12; older kernels cannot have it). */
static enum stage own_sockets(void)
{
    struct { uint64_t files, network, scoped; } rules = { 0, 0, SCOPE_ABSTRACT_UNIX_SOCKET };
    long ruleset = syscall(SYS_landlock_create_ruleset_number, &rules, sizeof rules, 0);
    if (ruleset < 0)
        return errno == ENOSYS || errno == EOPNOTSUPP || errno == E2BIG || errno == EINVAL ? STAGE_NONE : STAGE_SOCKETS;
    long result = syscall(SYS_landlock_restrict_self_number, ruleset, 0);
    int error = errno;
    close((int)ruleset);
    errno = error;
    return result < 0 ? STAGE_SOCKETS : STAGE_NONE;
}

static enum stage install_filter(const struct confinement *confinement)
{
    struct sock_fprog program = { .len = (unsigned short)confinement->filter_length, .filter = (struct sock_filter *)confinement->filter };
    unsigned flags = confinement->flags & ALL_THREADS ? SECCOMP_FILTER_FLAG_TSYNC : 0;
    long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    if (result > 0)
        errno = EAGAIN; /* a thread that could not follow */
    return result ? STAGE_FILTER : STAGE_NONE;
}

/* Looking costs a tenth of dropping (1.5 us): what a head start has dropped is not dropped again. */
enum stage cage_reduce_bounding_set(uint64_t kept)
{
    for (int number = 0; number < 64; number++) {
        if (kept >> number & 1 || prctl(PR_CAPBSET_READ, number, 0, 0, 0) == 0 || prctl(PR_CAPBSET_DROP, number, 0, 0, 0) == 0)
            continue;
        if (errno == EINVAL)
            break; /* past the last one that this kernel has */
        return STAGE_CAPABILITIES;
    }
    return STAGE_NONE;
}

enum stage cage_confine_early(const struct confinement *confinement)
{
    enum stage failed;
    if (confinement->flags & OWN_SOCKETS && (failed = own_sockets()))
        return failed;
    if ((failed = cage_reduce_bounding_set(confinement->capabilities)))
        return failed;
    int securebits = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
    if (securebits < 0 || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECUREBITS, securebits | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED, 0, 0, 0) < 0)
        return STAGE_CAPABILITIES;
    return confinement->filter && !(confinement->flags & NO_NEW_PRIVILEGES) ? install_filter(confinement) : STAGE_NONE;
}

/* What it has of those that stay, nothing inheritable. A subset: the kernel keeps the signal of the parent's death then (prctl(2)). */
static enum stage reduce_capabilities(uint64_t kept)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) < 0)
        return STAGE_CAPABILITIES;
    for (int i = 0; i < 2; i++) {
        uint32_t half = (uint32_t)(kept >> 32 * i);
        data[i].permitted &= half;
        data[i].effective &= half;
        data[i].inheritable = 0;
    }
    return syscall(SYS_capset, &header, data) < 0 ? STAGE_CAPABILITIES : STAGE_NONE;
}

enum stage cage_confine_late(const struct confinement *confinement)
{
    enum stage failed = reduce_capabilities(confinement->capabilities);
    if (failed)
        return failed;
    /* Who shares its user cannot trace it then, nor follow its links in /proc. */
    if (confinement->flags & HIDDEN && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return STAGE_CAPABILITIES;
    if (!(confinement->flags & NO_NEW_PRIVILEGES))
        return STAGE_NONE;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return STAGE_CAPABILITIES;
    return confinement->filter ? install_filter(confinement) : STAGE_NONE;
}

/* Confines the calling thread (and, by ALL_THREADS, has all others follow the filter). Returns the failed stage, the errno in *error. */
__attribute__((visibility("default"))) int32_t cage_confine(const struct confinement *confinement, int32_t *error)
{
    enum stage failed = cage_confine_early(confinement);
    if (!failed)
        failed = cage_confine_late(confinement);
    *error = failed ? errno : 0;
    return failed;
}
