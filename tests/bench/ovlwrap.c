// ovlwrap BASE RUNDIR -- COMMAND...: runs COMMAND with a fresh overlay over BASE at RUNDIR/m, its upper on a tmpfs, in a mount namespace of its own.
// For a peer that brings no overlay (bwrap): so it has one at C's cost, and is not charged for two runs of mount(8).
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int fail(const char *what)
{
    perror(what);
    return 125;
}

int main(int count, char **words)
{
    char merged[300], upper[300], work[300], options[1024];
    int status;
    if (count < 5 || strcmp(words[3], "--") != 0) return 2;
    snprintf(merged, sizeof merged, "%s/m", words[2]);
    snprintf(upper, sizeof upper, "%s/u", words[2]);
    snprintf(work, sizeof work, "%s/w", words[2]);
    snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s,workdir=%s", words[1], upper, work);

    if (unshare(CLONE_NEWNS) || mount(0, "/", 0, MS_REC | MS_PRIVATE, 0)) return fail("unshare");
    if (mount("tmpfs", words[2], "tmpfs", 0, "mode=755")) return fail("tmpfs");
    if (mkdir(merged, 0755) || mkdir(upper, 0755) || mkdir(work, 0755)) return fail("mkdir");
    if (mount("overlay", merged, "overlay", 0, options)) return fail("overlay");

    int pid = vfork();
    if (pid == 0) {
        execv(words[4], words + 4);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0) return fail(words[4]);
    // The namespace ends with this process, and its mounts with it.
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
