/* FILE: prints its handle as file_handle takes it: type, bytes. */
#include <fcntl.h>
#include <stdio.h>

int main(int count, char **words)
{
    struct { struct file_handle head; unsigned char bytes[128]; } handle = { .head.handle_bytes = 128 };
    int mount;
    if (count != 2 || name_to_handle_at(AT_FDCWD, words[1], &handle.head, &mount, 0) < 0)
        return 1;
    printf("%d ", handle.head.handle_type);
    for (unsigned i = 0; i < handle.head.handle_bytes; i++)
        printf("%02x", handle.head.f_handle[i]);
    putchar('\n');
    return 0;
}
