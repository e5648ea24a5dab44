/* NAME TOKEN: a key of the host's session or of its root, which a cage's root is to the kernel (keyrings(7)). */
#include <linux/keyctl.h>
#include "attack.h"

int main(int count, char **words)
{
    static const long rings[] = { KEY_SPEC_SESSION_KEYRING, KEY_SPEC_USER_KEYRING, KEY_SPEC_USER_SESSION_KEYRING };
    char text[256] = "";
    if (count != 3)
        return BROKEN;
    for (int i = 0; i < 3; i++) {
        long key = syscall(SYS_keyctl, KEYCTL_SEARCH, rings[i], "user", words[1], 0L);
        if (key >= 0 && syscall(SYS_keyctl, KEYCTL_READ, key, text, sizeof text - 1) > 0 && strstr(text, words[2]))
            return ESCAPED;
    }
    return held("keyctl");
}
