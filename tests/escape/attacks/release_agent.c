/* CONTROLLER: the release agent of a hierarchy of control groups, which the kernel runs as the host's root (cgroups(7)). It is opened, not written. */
#include "attack.h"

int main(int count, char **words)
{
    if (count != 2)
        return BROKEN;
    mkdir("/attack/m", 0755);
    if (!own_mounts())
        return held("a mount namespace");
    if (mount("cgroup", "/attack/m", "cgroup", 0, words[1]) < 0)
        return held("mount");
    return open("/attack/m/release_agent", O_WRONLY) >= 0 ? ESCAPED : held("release_agent");
}
