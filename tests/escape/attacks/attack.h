/*
 * What every attack here ends with. The test that runs it knows nothing else of it: an attack proves its success by its effect.
 * The host stays unharmed: where the effect would harm it, having opened the file for writing is the effect.
 */
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum { ESCAPED = 0, HELD = 1, BROKEN = 3 };

/* Ends the attack as held, and says by what. */
static inline int held(const char *by)
{
    printf("held: %s: %s\n", by, strerror(errno));
    return HELD;
}

/* Whether a file holds what only the host has. */
static inline int holds(int file, const char *token)
{
    char text[4096] = "";
    int found = file >= 0 && read(file, text, sizeof text - 1) > 0 && strstr(text, token) != NULL;
    if (file >= 0)
        close(file);
    return found;
}

/* A mount namespace of its own, so that what is mounted never reaches the host's table. */
static inline int own_mounts(void)
{
    return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}
