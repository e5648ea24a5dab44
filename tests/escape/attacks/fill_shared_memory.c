/* MEBIBYTES: a file of that size in /dev/shm, which is memory that no process has to hold. */
#include "attack.h"

int main(int count, char **words)
{
    static char block[1 << 20] = "full";
    int file = open("/dev/shm/full", O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (count != 2 || file < 0)
        return BROKEN;
    int status = ESCAPED;
    for (int i = atoi(words[1]); i > 0 && status == ESCAPED; i--)
        if (write(file, block, sizeof block) != sizeof block)
            status = held("write");
    unlink("/dev/shm/full");
    return status;
}
