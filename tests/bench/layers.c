/*
 * layers TMPFS N: mounts an overlay of N layers (paths on standard input, one a line) with an upper on a tmpfs, 51 times, by the new mount API, and prints the
 * median in microseconds: what the kernel itself takes for it, looking the paths up included.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 51, MOST = 500 };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;
    return one < other ? -1 : one > other;
}

static void check(int result, const char *what)
{
    if (result >= 0)
        return;
    perror(what);
    exit(1);
}

int main(int argc, char **argv)
{
    static char *paths[MOST];
    char line[4096];
    if (argc != 3)
        return 2;
    int count = 0, wanted = atoi(argv[2]);
    while (count < wanted && count < MOST && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        paths[count++] = strdup(line);
    }
    if (count < wanted)
        return 2;
    check(unshare(CLONE_NEWNS), "unshare");
    check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private");
    check(mount("tmpfs", argv[1], "tmpfs", 0, NULL), "tmpfs");
    check(chdir(argv[1]), argv[1]);
    mkdir("u", 0755);
    mkdir("w", 0755);
    mkdir("m", 0755);
    double times[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        double start = now();
        int overlay = fsopen("overlay", 0);
        check(overlay, "fsopen");
        for (int i = 0; i < count; i++)
            check(fsconfig(overlay, FSCONFIG_SET_STRING, "lowerdir+", paths[i], 0), paths[i]);
        check(fsconfig(overlay, FSCONFIG_SET_STRING, "upperdir", "u", 0), "upperdir");
        check(fsconfig(overlay, FSCONFIG_SET_STRING, "workdir", "w", 0), "workdir");
        check(fsconfig(overlay, FSCONFIG_CMD_CREATE, NULL, NULL, 0), "create");
        int made = fsmount(overlay, 0, 0);
        check(made, "fsmount");
        check(move_mount(made, "", AT_FDCWD, "m", MOVE_MOUNT_F_EMPTY_PATH), "move_mount");
        times[round] = now() - start;
        close(made);
        close(overlay);
        check(umount2("m", 0), "umount");
    }
    qsort(times, ROUNDS, sizeof *times, by_size);
    printf("%.1f\n", times[ROUNDS / 2]);
    return 0;
}
