/* PID: a signal to a process of the host, which says so. */
#include <signal.h>
#include "attack.h"

int main(int count, char **words)
{
    if (count != 2)
        return BROKEN;
    return kill(atoi(words[1]), SIGUSR1) == 0 ? ESCAPED : held("kill");
}
