/* Calls of another ABI, whose numbers mean something else to a filter: i386's int 0x80 and x32's. One of the calls is enough. */
#include "attack.h"

int main(void)
{
#ifdef __x86_64__
    if (syscall(0x40000000L + SYS_getpid) > 0)
        return ESCAPED;
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory"); /* getpid */
    return result > 0 ? ESCAPED : held("int 0x80");
#else
    return held("there is none on this architecture");
#endif
}
