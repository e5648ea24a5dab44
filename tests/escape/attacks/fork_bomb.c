/* NUMBER: processes that all live at once. They end with this one, so that the host bears them where nothing forbids them. */
#include "attack.h"

int main(int count, char **words)
{
    int ends[2], status = ESCAPED;
    if (count != 2 || pipe(ends) < 0)
        return BROKEN;
    for (int i = atoi(words[1]); i > 0 && status == ESCAPED; i--) {
        pid_t child = fork();
        if (child == 0) {
            char end;
            close(ends[1]);
            _exit(read(ends[0], &end, 1) != 0);
        }
        if (child < 0)
            status = held("fork");
    }
    return status;
}
