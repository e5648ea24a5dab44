/* ROOT COMMAND...: a runtime that guards nothing: chroot, and execute. What the attacks are shown to work against. */
#include <unistd.h>

int main(int count, char **words)
{
    if (count < 3 || chroot(words[1]) < 0) {
        /* Executed again, from inside, by «#!/proc/self/exe»: it stays a moment, so that its file can be taken hold of. */
        usleep(300000);
        return 125;
    }
    execv(words[2], words + 2);
    return 125;
}
