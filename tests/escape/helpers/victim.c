/* TOKEN: a process of the host that has something to lose. Says where it keeps it; says "hit" on SIGUSR1, and goes on. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void hit(int number)
{
    (void)number;
    if (write(1, "hit\n", 4) < 0)
        _exit(1);
}

int main(int count, char **words)
{
    static char secret[256];
    if (count != 2)
        return 1;
    strncpy(secret, words[1], sizeof secret - 1);
    signal(SIGUSR1, hit);
    printf("%d %p\n", getpid(), (void *)secret);
    fflush(stdout);
    for (;;)
        pause();
}
