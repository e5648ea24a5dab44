/* What `cage` holds in memory: for an init, which starts once and then waits for as long as its cage runs. */
#define _GNU_SOURCE
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

extern const char __executable_start[], etext[]; /* ld(1) knows where the program's own code begins and ends. */

/*
 * Unmaps the pages of code that were needed so far. What is needed again comes back from the page cache, which is where it is
 * in any case: some 60 KiB for a wait, of the 3 MiB that a start touches.
 */
void cage_forget_code(void)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)__executable_start, end = (uintptr_t)etext & ~(page - 1);
    /* A hint, and no harm where the kernel does not take it. */
    madvise((void *)(begin & ~(page - 1)), end - (begin & ~(page - 1)), MADV_DONTNEED);
}
