/* FILE: a file of /proc that is covered by something else than the empty device, by way of a /dev that is another (CVE-2025-31133, CVE-2025-52565). */
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include "attack.h"

int main(int count, char **words)
{
    enum { DEVPTS = 0x1cd1 };
    struct statfs terminals;
    struct stat cover;
    if (count != 2 || stat(words[1], &cover) < 0)
        return BROKEN;
    if (!S_ISCHR(cover.st_mode) || cover.st_rdev != makedev(1, 3) || statfs("/dev/pts/", &terminals) < 0 || terminals.f_type != DEVPTS)
        return ESCAPED;
    return held("all are the kernel's");
}
