// The floor of a cage's start: what the kernel itself costs for a fresh overlay cage, without a line more than needed.
// Four new namespaces, a tmpfs for upper and work, the overlay, proc, sysfs, /dev, tmpfs on /tmp and /dev/shm, pivot_root, exec, and the end of it all.
//
//   cagebench -b BASE -r RUNDIR [-x PROGRAM] [-u tmpfs|disk] [-d devtmpfs|tmpfs] [-v] [-l N]
//     -b  the lower layer, with the folders proc sys dev tmp in it          -r  an empty folder to work in
//     -u  where the upper lies; disk is RUNDIR itself                       -d  the host's devtmpfs, or a tmpfs with six nodes of its own
//     -v  start the child as vfork does, which a long-lived process would   -l  N times in this one process, then min, median, mean and p95
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NAMESPACES = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS, STACK = 65536, PATH = 512 };

static const char *base, *run, *program = "/bin/true";
static int upper_on_disk, own_dev;
static char merged[PATH], upper[PATH], work[PATH];

static void die(const char *what)
{
    fprintf(stderr, "cagebench: %s: %s\n", what, strerror(errno));
    _exit(99);
}

static long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}

static const char *inside(const char *path)
{
    static char buffer[2 * PATH];
    snprintf(buffer, sizeof buffer, "%s%s", merged, path);
    return buffer;
}

static void mount_new(const char *type, const char *target, unsigned long flags, const char *options)
{
    if (mount(type, target, type, flags, options)) die(target);
}

static void make_dirs(void)
{
    mkdir(merged, 0755);
    mkdir(upper, 0755);
    mkdir(work, 0755);
}

static void mount_dev(void)
{
    static const struct { const char *path; int major, minor; } nodes[] = {
        { "/dev/null", 1, 3 }, { "/dev/zero", 1, 5 }, { "/dev/full", 1, 7 }, { "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
    };
    if (!own_dev) {
        mount_new("devtmpfs", inside("/dev"), MS_NOSUID | MS_NOEXEC, 0);
        return;
    }
    mount_new("tmpfs", inside("/dev"), MS_NOSUID, "mode=755");
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
        const char *path = inside(nodes[i].path);
        if (mknod(path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor))) die(path);
        chmod(path, 0666);
    }
    if (symlink("/proc/self/fd", inside("/dev/fd")) || symlink("/proc/self/fd/0", inside("/dev/stdin")) ||
        symlink("/proc/self/fd/1", inside("/dev/stdout")) || symlink("/proc/self/fd/2", inside("/dev/stderr"))) die("symlink");
    mkdir(inside("/dev/shm"), 01777);
    mkdir(inside("/dev/pts"), 0755);
}

static int child(void *unused)
{
    char options[3 * PATH + 64];
    (void)unused;
    if (mount(0, "/", 0, MS_REC | MS_PRIVATE, 0)) die("private");
    if (!upper_on_disk) {
        mount_new("tmpfs", run, 0, "mode=755");
        make_dirs();
    }
    snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s,workdir=%s", base, upper, work);
    mount_new("overlay", merged, 0, options);
    mount_new("proc", inside("/proc"), MS_NOSUID | MS_NODEV | MS_NOEXEC, 0);
    mount_new("sysfs", inside("/sys"), MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, 0);
    mount_dev();
    mount_new("tmpfs", inside("/tmp"), MS_NOSUID | MS_NODEV, "mode=1777");
    mount_new("tmpfs", inside("/dev/shm"), MS_NOSUID | MS_NODEV, "mode=1777");
    if (chdir(merged) || syscall(SYS_pivot_root, ".", ".")) die("pivot_root");
    if (umount2(".", MNT_DETACH) || chdir("/")) die("umount old root");
    execl(program, program, (char *)0);
    die(program);
    return 1;
}

static int ascending(const void *a, const void *b)
{
    long x = *(const long *)a, y = *(const long *)b;
    return (x > y) - (x < y);
}

int main(int count, char **words)
{
    int option, rounds = 1, flags = NAMESPACES | SIGCHLD, vforked = 0;
    while ((option = getopt(count, words, "b:r:x:u:d:vl:")) > 0) switch (option) {
        case 'b': base = optarg; break;
        case 'r': run = optarg; break;
        case 'x': program = optarg; break;
        case 'u': upper_on_disk = strcmp(optarg, "tmpfs") != 0; break;
        case 'd': own_dev = strcmp(optarg, "tmpfs") == 0; break;
        case 'v': vforked = 1; break;
        case 'l': rounds = atoi(optarg); break;
        default: return 2;
    }
    if (!base || !run || rounds < 1) return 2;
    snprintf(merged, PATH, "%s/m", run);
    snprintf(upper, PATH, "%s/u", run);
    snprintf(work, PATH, "%s/w", run);

    long *took = calloc(rounds, sizeof *took), sum = 0;
    char *stack = mmap(0, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < rounds; i++) {
        long start = now();
        mkdir(run, 0755);
        if (upper_on_disk) make_dirs();
        int pid, status;
        if (vforked) pid = clone(child, stack + STACK, flags | CLONE_VM | CLONE_VFORK, 0);
        else if ((pid = syscall(SYS_clone, flags, 0, 0, 0, 0)) == 0) _exit(child(0));
        if (pid < 0) die("clone");
        if (waitpid(pid, &status, 0) < 0) die("wait");
        if (status) return 1;
        if (upper_on_disk) {
            char left[PATH + 8];
            snprintf(left, sizeof left, "%s/work", work);
            rmdir(left);
            if (rmdir(work) || rmdir(upper) || rmdir(merged)) die("rmdir");
        }
        took[i] = now() - start;
        sum += took[i];
    }
    if (rounds == 1) return 0;
    qsort(took, rounds, sizeof *took, ascending);
    printf("min %.1f median %.1f mean %.1f p95 %.1f us (n=%d)\n", took[0] / 1e3, took[rounds / 2] / 1e3, sum / 1e3 / rounds, took[rounds * 95 / 100] / 1e3, rounds);
    return 0;
}
