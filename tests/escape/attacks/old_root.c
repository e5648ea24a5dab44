/* SECRET TOKEN: the host's file by `..`, and by every mount that is left of the root that was before (pivot_root(2)). */
#include <mntent.h>
#include "attack.h"

int main(int count, char **words)
{
    static const char up[] = "/../../../../../../../../../../../..";
    FILE *table = setmntent("/proc/self/mounts", "r");
    char path[8192];
    int seen = 0;
    if (count != 3 || !table)
        return BROKEN;
    for (struct mntent *entry; (entry = getmntent(table)); seen++)
        for (int back = 0; back < 2; back++) {
            snprintf(path, sizeof path, "%s%s%s", entry->mnt_dir, back ? up : "", words[1]);
            if (holds(open(path, O_RDONLY), words[2]))
                return ESCAPED;
        }
    return seen ? held("no mount leads out") : BROKEN;
}
