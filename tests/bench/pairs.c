// pairs ROUNDS ++ LABEL COMMAND... ++ LABEL COMMAND...: runs every command ROUNDS times, by turns, and prints for each, tab-separated,
//   LABEL  min  median  p95  (ms, whole command)  and how many times its median the first command's median is.
// By turns, because a machine's speed drifts; every other round backwards, because the kernel takes a namespace down after its last
// process is gone, and so charges it to whoever comes next. Input and output are /dev/null; a status that is not 0 ends it all.
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COMMANDS = 16, WARM_UP = 5 };
extern char **environ;

static long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    long x = *(const long *)a, y = *(const long *)b;
    return (x > y) - (x < y);
}

int main(int count, char **words)
{
    char **command[COMMANDS];
    long *took[COMMANDS];
    int commands = 0, rounds = count > 1 ? atoi(words[1]) : 0;
    for (int i = 2; i < count; i++) {
        if (strcmp(words[i], "++") != 0) continue;
        words[i] = 0; // Ends the command before.
        if (commands == COMMANDS || i + 2 >= count) return 2;
        took[commands] = calloc(rounds, sizeof **took);
        command[commands++] = words + i + 1;
    }
    if (rounds < 1 || commands < 1) return 2;

    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    // stderr stays: a command that fails should say why.

    for (int round = -WARM_UP; round < rounds; round++) {
        for (int turn = 0; turn < commands; turn++) {
            int k = round % 2 ? commands - 1 - turn : turn, status;
            pid_t pid;
            long start = now();
            int error = posix_spawn(&pid, command[k][1], &quiet, 0, command[k] + 1, environ);
            if (error) {
                fprintf(stderr, "pairs: %s: %s\n", command[k][1], strerror(error));
                return 1;
            }
            waitpid(pid, &status, 0);
            if (round >= 0) took[k][round] = now() - start;
            if (status) {
                fprintf(stderr, "pairs: %s: status %d, signal %d\n", command[k][0], WEXITSTATUS(status), WTERMSIG(status));
                return 1;
            }
        }
    }

    for (int k = 0; k < commands; k++) qsort(took[k], rounds, sizeof **took, ascending);
    for (int k = 0; k < commands; k++)
        printf("%s\t%.2f\t%.2f\t%.2f\t%.2f\n", command[k][0], took[k][0] / 1e6, took[k][rounds / 2] / 1e6, took[k][rounds * 95 / 100] / 1e6,
            (double)took[0][rounds / 2] / took[k][rounds / 2]);
    return 0;
}
