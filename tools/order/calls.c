/*
 * calls FUNCTIONS CALLED COMMAND...: runs a static program and appends to the file CALLED the names of those FUNCTIONS that were called, by it and by what it forked, each
 * once, in the order of their first calls. FUNCTIONS has lines "<address in decimal> <name>". What it executes is left alone. Its status is the program's. For x86-64.
 *
 * Each function begins with a breakpoint (ptrace(2)) that is taken away when it is met, so that the program runs nearly as fast as ever.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

struct function {
    unsigned long address;
    char *name;
    long word; /* of the text, as it was */
    int called;
};

static struct function *functions;
static size_t count;
static FILE *called;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int by_address(const void *a, const void *b)
{
    unsigned long x = ((const struct function *)a)->address, y = ((const struct function *)b)->address;
    return (x > y) - (x < y);
}

static void read_functions(const char *path)
{
    FILE *file = fopen(path, "r");
    struct function read = { 0 };
    if (!file)
        fail(path);
    while (fscanf(file, "%lu %ms", &read.address, &read.name) == 2) {
        functions = reallocarray(functions, count + 1, sizeof *functions);
        functions[count++] = read;
    }
    fclose(file);
    qsort(functions, count, sizeof *functions, by_address);
}

static void set_byte(pid_t process, unsigned long address, unsigned char byte)
{
    errno = 0;
    long word = ptrace(PTRACE_PEEKTEXT, process, address, NULL);
    if (errno || ptrace(PTRACE_POKETEXT, process, address, (word & ~0xffL) | byte) < 0)
        fail("ptrace");
}

static void set_breakpoints(pid_t process)
{
    for (size_t i = 0; i < count; i++)
        functions[i].word = ptrace(PTRACE_PEEKTEXT, process, functions[i].address, NULL);
    for (size_t i = 0; i < count; i++)
        set_byte(process, functions[i].address, 0xcc);
}

/* Returns whether it was a breakpoint of ours. */
static int pass_breakpoint(pid_t process)
{
    struct user_regs_struct registers;
    if (ptrace(PTRACE_GETREGS, process, NULL, &registers) < 0)
        return 0;
    struct function wanted = { .address = registers.rip - 1 }, *found = bsearch(&wanted, functions, count, sizeof *functions, by_address);
    if (!found)
        return 0;
    set_byte(process, found->address, (unsigned char)found->word);
    registers.rip--;
    ptrace(PTRACE_SETREGS, process, NULL, &registers);
    if (!found->called++)
        fprintf(called, "%s\n", found->name);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    read_functions(argv[1]);
    if (!(called = fopen(argv[2], "ae")))
        fail(argv[2]);
    pid_t first = fork();
    if (first == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        execv(argv[3], argv + 3);
        fail(argv[3]);
    }
    int status, result = 1;
    waitpid(first, &status, 0);
    if (!WIFSTOPPED(status))
        return 1;
    ptrace(PTRACE_SETOPTIONS, first, NULL, PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC);
    set_breakpoints(first);
    ptrace(PTRACE_CONT, first, NULL, 0);
    for (pid_t process; (process = waitpid(-1, &status, __WALL)) > 0;) {
        if (process == first && (WIFEXITED(status) || WIFSIGNALED(status)))
            result = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
        if (!WIFSTOPPED(status))
            continue;
        int signal = WSTOPSIG(status), event = status >> 16;
        if (event == PTRACE_EVENT_EXEC) {
            ptrace(PTRACE_DETACH, process, NULL, 0);
            continue;
        }
        if (event || signal == SIGSTOP || (signal == SIGTRAP && pass_breakpoint(process)))
            signal = 0;
        ptrace(PTRACE_CONT, process, NULL, signal);
    }
    return fclose(called) == 0 ? result : 1;
}
