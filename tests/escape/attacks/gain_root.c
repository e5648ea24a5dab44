/* As anybody, from a file that is root's and set-user-ID: is it root? */
#include "attack.h"

int main(void)
{
    if (getuid() == 0)
        return BROKEN;
    return geteuid() == 0 ? ESCAPED : held("set-user-ID");
}
