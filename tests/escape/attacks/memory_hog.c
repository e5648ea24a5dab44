/* MEBIBYTES: as much memory, every page of it written to. */
#include <sys/mman.h>
#include "attack.h"

int main(int count, char **words)
{
    size_t size = count == 2 ? (size_t)atoi(words[1]) << 20 : 0;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return size ? held("mmap") : BROKEN;
    memset(memory, 1, size);
    return ESCAPED;
}
