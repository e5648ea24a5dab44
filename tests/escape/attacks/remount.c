/* FILE: makes a mount writable that was given read-only, here or in a mount namespace of its own. What its file's owner may do is not asked. */
#include <sys/statvfs.h>
#include "attack.h"

static int read_only(const char *path)
{
    struct statvfs status;
    return statvfs(path, &status) < 0 ? -1 : (status.f_flag & ST_RDONLY) != 0;
}

int main(int count, char **words)
{
    if (count != 2 || read_only(words[1]) != 1)
        return BROKEN;
    if (mount(NULL, words[1], NULL, MS_REMOUNT | MS_BIND, NULL) < 0 && (!own_mounts() || mount(NULL, words[1], NULL, MS_REMOUNT | MS_BIND, NULL) < 0))
        return held("remount");
    return read_only(words[1]) == 0 ? ESCAPED : held(words[1]);
}
