// enter PID PROGRAM: joins the namespaces of PID by its pidfd and runs PROGRAM there: the floor of an exec in a running cage.
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **words)
{
    int status;
    if (count != 3) return 2;
    int pidfd = syscall(SYS_pidfd_open, atoi(words[1]), 0);
    if (pidfd < 0 || setns(pidfd, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS)) {
        perror("enter");
        return 125;
    }
    // Only a child is in the pid namespace that was joined.
    int pid = vfork();
    if (pid == 0) {
        execl(words[2], words[2], (char *)0);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0) return 125;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
