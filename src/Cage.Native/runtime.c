/*
 * What .NET's runtime asks of the host while it comes up, answered at once: how large its heap may grow and on how many processors and memory nodes it
 * runs. `cage` gives its heap a fixed size, so that nothing follows from the answers, but each took an open(2) and a read(2) or several: a fifth
 * of the time to start. For the linker's --wrap (Cage.Cli.csproj names the functions): __wrap_f is what is called for f, __real_f is libc's.
 *
 * Where the runtime of another version does not call one of these, the linker leaves it out, and nothing is lost but time.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

FILE *__real_fopen64(const char *path, const char *mode);
DIR *__real_opendir(const char *path);
long __real_sysconf(int name);
int __real_madvise(void *address, size_t length, int advice);
int __real_pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes);

static uintptr_t stack_top;

/* argv lies above all frames of the first thread. Arenas of their own for threads that hardly allocate are not worth their mappings. */
static void __attribute__((constructor)) note_stack(int argc, char **argv, char **envp)
{
    (void)argc, (void)envp;
    stack_top = (uintptr_t)argv;
    mallopt(M_ARENA_MAX, 1);
}

/* The limits of the control group, the memory that is free, and the processors that may yet be plugged in: where that is not to be had, those that are there count. */
FILE *__wrap_fopen64(const char *path, const char *mode)
{
    static const char *const asked[] = { "/proc/self/mountinfo", "/proc/self/cgroup", "/proc/meminfo", "/sys/devices/system/cpu/possible" };
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        if (strcmp(path, asked[i]) == 0) {
            errno = ENOENT;
            return NULL;
        }
    return __real_fopen64(path, mode);
}

/* The memory's nodes: one, for what a heap of some megabytes is concerned. */
DIR *__wrap_opendir(const char *path)
{
    if (strcmp(path, "/sys/devices/system/node") == 0) {
        errno = ENOENT;
        return NULL;
    }
    return __real_opendir(path);
}

/* The processors that we may run on; libc counts those of the whole machine, in /sys. */
long __wrap_sysconf(int name)
{
    cpu_set_t processors;
    if ((name == _SC_NPROCESSORS_ONLN || name == _SC_NPROCESSORS_CONF) && sched_getaffinity(0, sizeof processors, &processors) == 0)
        return CPU_COUNT(&processors);
    return __real_sysconf(name);
}

/* Each piece of the heap that comes into use is marked to be in a core dump, which splits a mapping in the kernel; one that is not in use has nothing to dump. */
int __wrap_madvise(void *address, size_t length, int advice)
{
    return advice == MADV_DODUMP || advice == MADV_DONTDUMP ? 0 : __real_madvise(address, length, advice);
}

/* Where the first thread's stack is, which libc reads from /proc/self/maps. Arguments take a quarter of it at most (execve(2)), and lie above argv. */
int __wrap_pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes)
{
    struct rlimit limit;
    if (!stack_top || gettid() != getpid() || !pthread_equal(thread, pthread_self()) || getrlimit(RLIMIT_STACK, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
        return __real_pthread_getattr_np(thread, attributes);
    uintptr_t page = (uintptr_t)getpagesize(), top = (stack_top + page - 1) & ~(page - 1), size = (limit.rlim_cur - limit.rlim_cur / 4) & ~(page - 1);
    int error = pthread_attr_init(attributes);
    return error ? error : pthread_attr_setstack(attributes, (void *)(top - size), size);
}
