/*
 * The head start of `cage run`: its Jail's init is started before the runtime of `cage` itself is up, so that the two come up
 * side by side. Measured by itself that took a quarter off the command: 8.8 ms became 6.7.
 *
 * It is what the steps MakeControlGroup and StartInit do for a cage that is not kept, and nothing else: the init waits for its
 * steps. Where anything is not as expected, there is no head start, and those steps say what is wrong.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine.h"

#define CGROUP2_MAGIC 0x63677270
#define INIT_CHANNEL 3

/* Cage.Interop's HeadStart has the same layout. */
struct headstart {
    int32_t pid;
    int32_t pidfd;
    int32_t channel; /* our end of the init's */
    int32_t group;   /* its control group's directory, locked */
    uint8_t id[16];  /* a UUID of version 8, big endian */
};

static struct headstart started = { .pid = 0, .pidfd = -1, .channel = -1, .group = -1 };
static char parent[64], group[128];
static struct request *request; /* the init says there what failed */
static int has_settled = -1;    /* it has closed the other end of this pipe then */
static int delegated;

static int is_hierarchy(const char *path)
{
    struct statfs status;
    return statfs(path, &status) == 0 && status.f_type == CGROUP2_MAGIC;
}

static int make_group(void)
{
    const char *root = is_hierarchy("/sys/fs/cgroup") ? "/sys/fs/cgroup" : is_hierarchy("/sys/fs/cgroup/unified") ? "/sys/fs/cgroup/unified" : NULL;
    uint8_t *id = started.id;
    if (!root || getrandom(id, sizeof started.id, GRND_NONBLOCK) != sizeof started.id)
        return -1;
    id[6] = (id[6] & 0x0f) | 0x80;
    id[8] = (id[8] & 0x3f) | 0x80;
    /* DelegatedUnit says why; where the unit is not there yet, the plan's own step has it made. */
    delegated = access("/run/systemd/system", F_OK) == 0;
    snprintf(parent, sizeof parent, delegated ? "%s/system.slice/cage.service" : "%s/cage", root);
    snprintf(group, sizeof group, "%s/%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", parent, id[0], id[1], id[2], id[3], id[4],
             id[5], id[6], id[7], id[8], id[9], id[10], id[11], id[12], id[13], id[14], id[15]);
    if ((!delegated && mkdir(parent, 0755) < 0 && errno != EEXIST) || mkdir(group, 0755) < 0)
        return -1;
    int made = open(group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (made >= 0 && flock(made, LOCK_EX | LOCK_NB) == 0)
        return made;
    if (made >= 0)
        close(made);
    rmdir(group);
    return -1;
}

/*
 * The copy goes on as if it had been executed as `cage init run`, and without what the caller has said. Nobody inside reads its memory or reaches our
 * file by its /proc/1/exe: for a process that is not dumpable that takes CAP_SYS_PTRACE (ptrace(2)), and where this is given there is no head start.
 */
static void become_init(int argc, char **argv, char **envp)
{
    static char words[] = "cage\0init\0run", title[] = "cage init run";
    started.group = -1;
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    size_t length = (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) + 1 - argv[0]);
    char *said = memset(argv[0], 0, length);
    memcpy(said, title, length < sizeof title ? length - 1 : sizeof title);
    /* As setproctitle(3) has it: where the last byte is none of an argument's, /proc/1/cmdline ends with the title (get_mm_cmdline in the kernel's fs/proc/base.c). */
    if (length > sizeof title)
        said[length - 1] = 1;
    argv[0] = words, argv[1] = words + 5, argv[2] = words + 10;
    for (int i = 3; i < argc; i++)
        argv[i] = words + sizeof words - 1;
    for (char **variable = envp; *variable; variable++)
        memset(*variable, 0, strlen(*variable));
    *envp = NULL;
    /* As its last step does for any init, but while nobody waits for it yet: 0.06 ms. */
    cage_reduce_bounding_set(1ull << CAP_KILL);
}

/* Returns whether we are the copy. */
static int start_init(void)
{
    int ends[2] = { -1, -1 }, settled[2] = { -1, -1 }, nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    request = mmap(NULL, sizeof *request, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (request != MAP_FAILED && nothing >= 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0 && pipe2(settled, O_CLOEXEC) == 0) {
        int32_t descriptors[INIT_CHANNEL + 1] = { nothing, nothing, nothing, ends[1] };
        *request = (struct request){
            .descriptors = descriptors,
            .descriptor_count = INIT_CHANNEL + 1,
            .create = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS,
            .unshare = CLONE_NEWCGROUP,
            .join_fd = -1,
            .cgroup_fd = started.group,
            .root_fd = -1,
            .exec_fd = -1,
            .users_fd = -1,
            .flags = NEW_SESSION | AFRESH,
            .death_signal = SIGKILL,
        };
        int result = cage_spawn_copy(request, settled[1]);
        if (result > 0)
            return 1;
        if (result == 0) {
            started.pid = request->pid;
            started.pidfd = request->pidfd;
            started.channel = ends[0];
            has_settled = settled[0];
            ends[0] = settled[0] = -1;
        }
    }
    for (int i = 0; i < 2; i++) {
        if (ends[i] >= 0)
            close(ends[i]);
        if (settled[i] >= 0)
            close(settled[i]);
    }
    if (nothing >= 0)
        close(nothing);
    return 0;
}

/* Ends what nobody took. */
static void __attribute__((destructor)) take_back(void)
{
    if (started.group < 0)
        return;
    if (started.pid > 0) {
        kill(started.pid, SIGKILL);
        while (waitpid(started.pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    /* A process leaves its group a moment after it has been waited for. */
    for (int attempt = 0; attempt < 5000 && rmdir(group) < 0 && errno == EBUSY; attempt++)
        usleep(1000);
    if (!delegated)
        rmdir(parent);
}

/* Only root can; and a descriptor below 3 that the caller has closed would be ours otherwise. */
static int is_possible(void)
{
    for (int i = 0; i < 3; i++)
        if (fcntl(i, F_GETFD) < 0)
            return 0;
    return geteuid() == 0;
}

/* Options that ask for an init of another kind, or in other namespaces, or in control groups of version 1, which it must be born in; and become_init says why. */
static int is_special(const char *option)
{
    static const char *const special[] = { "--isolation", "--memory", "--swap", "--cpu", "--processes", "--io-weight", "--network", "--userns", "--cap-add" };
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (strncmp(option, special[i], strlen(special[i])) == 0)
            return 1;
    return 0;
}

/* Whether it is `cage run` of the init that is the default. */
static int is_wanted(int argc, char *const *argv)
{
    if (argc < 3 || strcmp(argv[1], "run") != 0)
        return 0;
    for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (is_special(argv[i]))
            return 0;
    return 1;
}

static void __attribute__((constructor)) start(int argc, char **argv, char **envp)
{
    if (!is_wanted(argc, argv) || !is_possible() || (started.group = make_group()) < 0)
        return;
    if (start_init()) {
        become_init(argc, argv, envp);
        return;
    }
    if (started.pid > 0)
        return;
    take_back();
    close(started.group);
    started.group = -1;
}

/* Waits until the init is where it is to be; its failure is no more than the lack of a head start. */
static int is_running(void)
{
    char nothing;
    while (read(has_settled, &nothing, 1) < 0 && errno == EINTR)
        ;
    close(has_settled);
    return !request->error;
}

/* Returns 1 and hands over what was started, to be ended by the caller; 0 where there is nothing. */
int cage_take_headstart(struct headstart *taken)
{
    if (started.group < 0)
        return 0;
    int taking = is_running();
    if (taking) {
        *taken = started;
    } else {
        take_back();
        close(started.group);
        close(started.channel);
        close(started.pidfd);
    }
    started.group = -1;
    return taking;
}
