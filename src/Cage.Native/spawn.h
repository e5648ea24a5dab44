/* What one start is to be: see spawn.c. */
#pragma once
#include <stdint.h>

/* Which step failed. The numbers are known to Cage.Interop's SpawnStage. */
enum stage { STAGE_NONE, STAGE_CLONE, STAGE_GROUPS, STAGE_JOIN, STAGE_UNSHARE, STAGE_DESCRIPTORS, STAGE_SESSION, STAGE_ROOT,
             STAGE_DIRECTORY, STAGE_IDENTITY, STAGE_EXECUTE, STAGE_AFRESH, STAGE_KEYRING, STAGE_SOCKETS, STAGE_CAPABILITIES, STAGE_FILTER, STAGE_USERS };

enum flag { NEW_SESSION = 1, CONTROLLING_TERMINAL = 2, SET_IDENTITY = 4, ORPHAN = 8, AFRESH = 16 };

struct confinement;

/* Cage.Interop's SpawnRequest has the same layout. */
struct request {
    const char *const *candidates; /* paths to try in order, NULL-terminated, by way of launcher.c; none when exec_fd is set */
    char *const *argv;
    char *const *envp;
    const int32_t *descriptors;    /* descriptors[i] becomes descriptor i; every other one is closed before the root or directory is entered */
    const char *directory;         /* inside the root; NULL keeps the current one */
    const uint32_t *groups;
    const int32_t *task_files;     /* tasks of control groups of version 1, which the child enters */
    const struct confinement *confinement; /* what it gives up; NULL for nothing */
    uint64_t create;               /* CLONE_NEW* for the child */
    uint64_t unshare;              /* CLONE_NEW* that the child leaves behind once it is in its control group */
    uint64_t join;                 /* CLONE_NEW* taken from join_fd, a pidfd; 0 for none */
    int32_t join_fd;               /* or a descriptor of one such namespace */
    int32_t cgroup_fd;             /* -1: the caller's */
    int32_t root_fd;               /* -1: keep */
    int32_t exec_fd;               /* -1: use candidates */
    int32_t users_fd;              /* the user namespace that it ends up in, as its root; -1: keep */
    uint32_t descriptor_count;
    uint32_t group_count;
    uint32_t task_file_count;
    uint32_t uid;
    uint32_t gid;
    uint32_t flags;
    int32_t death_signal;          /* sent when the calling thread ends; 0 for none */
    volatile int32_t pid;          /* result */
    volatile int32_t pidfd;        /* result */
    volatile int32_t error;        /* result: an errno, or 0 */
    volatile int32_t failed_stage; /* result */
};

/* Returns 0 with pid and pidfd set, or -1 with error and failed_stage; then nothing is left. */
int cage_spawn(struct request *request);

/* From another thread, while that runs: ends what it has started so far. Returns whether there is anything. */
int cage_spawn_end(struct request *request);

/* From a handler of signals: the same, and has that and all further calls fail with EINTR, by no stage. */
void cage_spawn_interrupt(void);

/*
 * Makes a copy of the calling process, which is what it is to be when this returns 1 in it; here it returns 0, or -1 as cage_spawn does, and at once.
 * The request lies in memory that both share: a copy that fails says there what failed, and ends. Either way the channel is closed in it then.
 */
int cage_spawn_copy(struct request *request, int channel);

/* Makes what the first cage_spawn makes, beforehand. */
void cage_prepare(void);
