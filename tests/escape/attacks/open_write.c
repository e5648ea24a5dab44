/* FILE: opens a file of the kernel for writing; it writes nothing. */
#include "attack.h"

int main(int count, char **words)
{
    if (count != 2)
        return BROKEN;
    return open(words[1], O_WRONLY) >= 0 ? ESCAPED : held(words[1]);
}
