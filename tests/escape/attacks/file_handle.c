/* FILE TYPE HANDLE TOKEN: a file of the host by its handle, on any mount of the same file system that the cage has, such as FILE's (open_by_handle_at(2)). */
#include "attack.h"

int main(int count, char **words)
{
    struct { struct file_handle head; unsigned char bytes[128]; } handle = { 0 };
    if (count != 5)
        return BROKEN;
    handle.head.handle_type = atoi(words[2]);
    handle.head.handle_bytes = (unsigned)strlen(words[3]) / 2;
    for (unsigned i = 0; i < handle.head.handle_bytes; i++)
        if (sscanf(words[3] + 2 * i, "%2hhx", &handle.bytes[i]) != 1)
            return BROKEN;
    memcpy(handle.head.f_handle, handle.bytes, handle.head.handle_bytes);
    int place = open(words[1], O_RDONLY);
    if (place < 0)
        return BROKEN;
    return holds(open_by_handle_at(place, &handle.head, O_RDONLY), words[4]) ? ESCAPED : held("open_by_handle_at");
}
