/*
 * Signals as bytes on a pipe (the self-pipe of signal-safety(7)), for `cage` only: a handler in C may run on any thread at any
 * moment, a managed one may not, and signalfd(2) would need every thread of the runtime to have the signals blocked from birth.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

#include "spawn.h"

static int write_end = -1;

static int is_an_end(int number)
{
    return number == SIGTERM || number == SIGHUP || number == SIGINT || number == SIGQUIT;
}

/* Two bytes a signal: its number, and whether the kernel itself sent it (a key on the terminal). */
static void tell(int number, siginfo_t *info, void *context)
{
    (void)context;
    int saved = errno;
    unsigned char message[2] = { (unsigned char)number, info->si_code == SI_KERNEL };
    ssize_t ignored = write(write_end, message, sizeof message);
    (void)ignored;
    if (is_an_end(number))
        cage_spawn_interrupt();
    errno = saved;
}

/* Where the caller ignores SIGCHLD, no child could be waited for: its status would be lost (waitpid(2)). */
static void __attribute__((constructor)) keep_children(void)
{
    signal(SIGCHLD, SIG_DFL);
}

static void nothing(int number)
{
    (void)number;
}

/* A write past the limit of file sizes (setrlimit(2)) is to fail with EFBIG, and be undone, not to end the program. A handler, since children lose it. */
static void __attribute__((constructor)) survive_limits(void)
{
    signal(SIGXFSZ, nothing);
}

/* As if that signal, which has been watched, had come to a program that knows nothing of it: it stops where a shell is there to let it go on. Returns once it does. */
void cage_stand_still(int32_t number)
{
    struct sigaction before;
    sigaction(number, &(struct sigaction){ .sa_handler = SIG_DFL }, &before);
    raise(number);
    sigaction(number, &before, NULL);
}

/*
 * Returns the pipe's read end, or -1 with errno. A full pipe drops what comes: whoever reads is told of each kind in any case.
 * With keep_ignored, what the caller ignores (nohup(1), a background job of a script) stays so, here and in what is started.
 */
int cage_watch_signals(const int32_t *numbers, uint32_t count, int32_t keep_ignored)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return -1;
    write_end = ends[1];
    struct sigaction action = { .sa_sigaction = tell, .sa_flags = SA_SIGINFO | SA_RESTART };
    sigfillset(&action.sa_mask);
    for (uint32_t i = 0; i < count; i++) {
        struct sigaction before;
        if (keep_ignored && sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_IGN)
            continue;
        if (sigaction(numbers[i], &action, NULL) < 0)
            return -1;
    }
    return ends[0];
}
