/* snap SOURCE DIRECTORY NAME: one snapshot by BTRFS_IOC_SNAP_CREATE_V2, read-only, and its time in milliseconds: the least that a btrfs snapshot takes. */
#include <fcntl.h>
#include <linux/btrfs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

int main(int argc, char **argv)
{
    struct btrfs_ioctl_vol_args_v2 arguments = { .flags = BTRFS_SUBVOL_RDONLY };
    struct timespec start, end;
    if (argc != 4)
        return 2;
    arguments.fd = open(argv[1], O_RDONLY | O_DIRECTORY);
    int directory = open(argv[2], O_RDONLY | O_DIRECTORY);
    strncpy(arguments.name, argv[3], sizeof arguments.name - 1);
    clock_gettime(CLOCK_MONOTONIC, &start);
    if (ioctl(directory, BTRFS_IOC_SNAP_CREATE_V2, &arguments) < 0) {
        perror("snapshot");
        return 1;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.3f\n", (end.tv_sec - start.tv_sec) * 1e3 + (end.tv_nsec - start.tv_nsec) / 1e6);
    return 0;
}
