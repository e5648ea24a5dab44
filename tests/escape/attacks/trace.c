/* PID: attaches to a process of the host. */
#include <sys/ptrace.h>
#include "attack.h"

int main(int count, char **words)
{
    if (count != 2)
        return BROKEN;
    return ptrace(PTRACE_SEIZE, atoi(words[1]), NULL, NULL) == 0 ? ESCAPED : held("ptrace");
}
