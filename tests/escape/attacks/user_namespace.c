/* All capabilities of a user namespace of its own, and a mount with them (user_namespaces(7)). As anybody, not root. */
#include "attack.h"

int main(void)
{
    mkdir("/tmp/m", 0755);
    if (geteuid() == 0)
        return BROKEN;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return held("unshare");
    return mount("none", "/tmp/m", "tmpfs", 0, NULL) == 0 ? ESCAPED : held("mount");
}
