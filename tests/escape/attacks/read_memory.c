/* PID ADDRESS TOKEN: reads the memory of a process of the host (process_vm_readv(2)). */
#include <sys/uio.h>
#include "attack.h"

int main(int count, char **words)
{
    char text[256] = "";
    if (count != 4)
        return BROKEN;
    struct iovec here = { text, sizeof text - 1 }, there = { (void *)strtoul(words[2], NULL, 16), strlen(words[3]) };
    if (process_vm_readv(atoi(words[1]), &here, 1, &there, 1, 0) < 0)
        return held("process_vm_readv");
    return strstr(text, words[3]) ? ESCAPED : held("another process has that number");
}
