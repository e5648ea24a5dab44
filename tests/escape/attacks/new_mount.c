/* A mount of its own. */
#include <sys/vfs.h>
#include "attack.h"

int main(void)
{
    struct statfs status;
    mkdir("/attack/m", 0755);
    if (!own_mounts())
        return held("a mount namespace");
    if (mount("none", "/attack/m", "tmpfs", 0, NULL) < 0)
        return held("mount");
    return statfs("/attack/m", &status) == 0 && status.f_type == 0x01021994 ? ESCAPED : BROKEN;
}
