/* The part of a start that runs in the new process: see child.c. */
#pragma once
#include "spawn.h"

/* What only the two sides of one start need to know. */
struct start {
    struct request *request;
    int launcher;       /* the launcher's memory file; -1 where exec_fd is executed itself */
    int channel;        /* where the launcher says what failed, or what is closed by a copy that has settled; -1 */
    const char *const *words; /* its arguments */
};

/* Comes to be where and who it is to be; on failure says why in the request, and ends. */
__attribute__((visibility("hidden"))) void cage_settle(struct start *start);

/* The same, and becomes the program; on failure says why in the request, and ends. */
__attribute__((visibility("hidden"), noreturn)) void cage_child(struct start *start);
