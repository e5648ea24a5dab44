/*
 * What stands between `cage` or pwsh and a command in a cage: a program of a kilobyte, run from a sealed memory file, that executes the command.
 *
 * The child that spawn.c makes shares the memory of the host's program until it executes, so its /proc/self/exe is the host's program,
 * by the host's mount. A file in the cage that names it as its interpreter («#!/proc/self/exe») would be run by it, and the cage could then
 * open it through /proc and write to it (CVE-2019-5736). Through this, the way leads to the memory file, which nobody can write to.
 *
 *   argv: "<descriptor>,<count>", count paths to try in turn, then the command's own arguments
 * The errno of a failure is written to the descriptor; an end of file there says that the command has been executed.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>

static long call(long number, long a, long b, long c)
{
#if defined(__x86_64__)
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
#endif
}

static long number(const char **text)
{
    long value = 0;
    for (; **text >= '0' && **text <= '9'; ++*text)
        value = value * 10 + (**text - '0');
    return value;
}

/* As execvp(3): a candidate that is not there lets the next one be tried, a forbidden one is remembered. */
__attribute__((noreturn, used)) void launch(long *stack)
{
    char **words = (char **)(stack + 1), **environment = words + *stack + 1;
    const char *text = words[0];
    long channel = number(&text);
    text++;
    char **candidate = words + 1, **arguments = candidate + number(&text);
    int error = ENOENT;
    call(__NR_fcntl, channel, F_SETFD, FD_CLOEXEC);
    for (; candidate < arguments; candidate++) {
        int result = (int)-call(__NR_execve, (long)*candidate, (long)arguments, (long)environment);
        if (result == EACCES) {
            error = EACCES;
        } else if (result != ENOENT && result != ENOTDIR) {
            error = result;
            break;
        }
    }
    call(__NR_write, channel, (long)&error, sizeof error);
    for (;;)
        call(__NR_exit_group, 127, 0, 0);
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall launch\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n\tmov x0, sp\n\tbl launch\n");
#endif
