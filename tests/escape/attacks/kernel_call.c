/* NAME: a call that reaches deep into the kernel. What it comes back with, other than a refusal, is the effect. */
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include "attack.h"
#ifdef __x86_64__
#include <sys/io.h>
#endif

int main(int count, char **words)
{
    const char *name = count == 2 ? words[1] : "";
    long result = -2;
    if (!strcmp(name, "bpf")) {
        union bpf_attr map = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1 };
        result = syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof map);
    } else if (!strcmp(name, "perf")) {
        struct perf_event_attr event = { .type = PERF_TYPE_SOFTWARE, .size = sizeof event, .config = PERF_COUNT_SW_CPU_CLOCK };
        result = syscall(SYS_perf_event_open, &event, -1, 0, -1, 0);
    } else if (!strcmp(name, "userfaultfd")) {
        result = syscall(SYS_userfaultfd, O_CLOEXEC);
    } else if (!strcmp(name, "io_uring")) {
        struct io_uring_params parameters = { 0 };
        result = syscall(SYS_io_uring_setup, 2, &parameters);
#ifdef __x86_64__
    } else if (!strcmp(name, "iopl")) {
        result = iopl(3);
#endif
    } else if (!strcmp(name, "module")) {
        /* No module: a kernel that would load one says so. */
        result = syscall(SYS_init_module, "x", 1UL, "") < 0 && errno == ENOEXEC ? 0 : -1;
    } else if (!strcmp(name, "kexec")) {
        /* Takes away what is loaded, which is nothing. */
        result = syscall(SYS_kexec_load, 0UL, 0UL, NULL, 0UL);
    }
    return result >= 0 ? ESCAPED : result == -2 ? BROKEN : held(name);
}
