/* NAME: looks for a /proc in which a hidden file has content, wherever one is mounted (CVE-2025-31133). */
#include <mntent.h>
#include "attack.h"

int main(int count, char **words)
{
    FILE *table = setmntent("/proc/self/mounts", "r");
    char path[8192], text[16];
    if (count != 2 || !table)
        return BROKEN;
    for (struct mntent *entry; (entry = getmntent(table));) {
        if (strcmp(entry->mnt_type, "proc"))
            continue;
        snprintf(path, sizeof path, "%s/%s", entry->mnt_dir, words[1]);
        int file = open(path, O_RDONLY);
        if (file >= 0 && read(file, text, sizeof text) > 0)
            return ESCAPED;
    }
    return held(words[1]);
}
