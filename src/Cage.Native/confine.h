/* What a process gives up for good: see confine.c. */
#pragma once
#include <stdint.h>

#include "spawn.h"

enum confinement_flag { NO_NEW_PRIVILEGES = 1, OWN_SOCKETS = 2, ALL_THREADS = 4, HIDDEN = 8 };

/* Cage.Interop's Confinement hands over the same layout. */
struct confinement {
    uint64_t capabilities;  /* those that stay, one a bit */
    const void *filter;     /* struct sock_filter[]; NULL for none */
    uint32_t filter_length;
    uint32_t flags;
};

/* Each returns the stage that failed, with errno; STAGE_NONE when all is done. */
__attribute__((visibility("hidden"))) enum stage cage_start_afresh(void);
__attribute__((visibility("hidden"))) enum stage cage_give_up_sparing(void);
__attribute__((visibility("hidden"))) enum stage cage_reduce_bounding_set(uint64_t kept);
__attribute__((visibility("hidden"))) enum stage cage_confine_early(const struct confinement *);
__attribute__((visibility("hidden"))) enum stage cage_confine_late(const struct confinement *);
