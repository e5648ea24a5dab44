/* SECRET TOKEN: through what the caller left open, or the directory that it left us in (CVE-2024-21626). SECRET without its first slash. */
#include "attack.h"

static int reaches(int directory, const char *secret, const char *token)
{
    char path[4096] = "";
    for (int i = 0; i < 32; i++)
        strcat(path, "../");
    strncat(path, secret, sizeof path - strlen(path) - 1);
    return holds(openat(directory, path, O_RDONLY), token);
}

int main(int count, char **words)
{
    if (count != 3)
        return BROKEN;
    if (reaches(AT_FDCWD, words[1], words[2]))
        return ESCAPED;
    for (int file = 0; file < 1024; file++)
        if (reaches(file, words[1], words[2]))
            return ESCAPED;
    return held("no descriptor leads out");
}
