/* Signals the process group that it is in, whoever else is (kill(2), pid 0): numbers of the host are not needed for that. The caller sees the effect. */
#include <signal.h>
#include "attack.h"

int main(void)
{
    signal(SIGUSR1, SIG_IGN);
    return kill(0, SIGUSR1) == 0 ? ESCAPED : BROKEN;
}
