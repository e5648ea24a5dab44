/* FILE: makes a mount writable that was given read-only, and opens it for writing. */
#include "attack.h"

int main(int count, char **words)
{
    if (count != 2 || open(words[1], O_WRONLY) >= 0 || errno != EROFS)
        return BROKEN;
    if (mount(NULL, words[1], NULL, MS_REMOUNT | MS_BIND, NULL) < 0)
        return held("remount");
    return open(words[1], O_WRONLY) >= 0 ? ESCAPED : held(words[1]);
}
