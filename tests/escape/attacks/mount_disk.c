/* MAJOR MINOR TYPE FILE: mounts a disk of the host, and finds a file on it. [000] */
#include <sys/sysmacros.h>
#include "attack.h"

int main(int count, char **words)
{
    char path[4096];
    if (count != 5)
        return BROKEN;
    if (!own_mounts())
        return held("a mount namespace");
    unlink("/attack/node");
    mkdir("/attack/m", 0755);
    if (mknod("/attack/node", S_IFBLK | 0600, makedev(atoi(words[1]), atoi(words[2]))) < 0)
        return held("mknod");
    if (mount("/attack/node", "/attack/m", words[3], 0, NULL) < 0)
        return held("mount");
    snprintf(path, sizeof path, "/attack/m%s", words[4]);
    return access(path, F_OK) == 0 ? ESCAPED : held(path);
}
