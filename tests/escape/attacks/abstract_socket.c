/* NAME TOKEN: a service of the host on an abstract socket, which belongs to the network namespace and to no file (unix(7)). */
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "attack.h"

int main(int count, char **words)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (count != 3)
        return BROKEN;
    strncpy(address.sun_path + 1, words[1], sizeof address.sun_path - 2);
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    if (client < 0)
        return BROKEN;
    if (connect(client, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(words[1]))) < 0)
        return held("connect");
    return holds(client, words[2]) ? ESCAPED : BROKEN;
}
