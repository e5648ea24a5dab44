/* NAME TOKEN COMMAND...: gives a session keyring of its own, and root's, a key, and runs the command with them; takes the key of root's away afterwards. */
#include <linux/keyctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **words)
{
    if (count < 4 || syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0)
        return 125;
    long own = syscall(SYS_add_key, "user", words[1], words[2], strlen(words[2]), KEY_SPEC_SESSION_KEYRING);
    long key = syscall(SYS_add_key, "user", words[1], words[2], strlen(words[2]), KEY_SPEC_USER_KEYRING);
    if (own < 0 || key < 0)
        return 125;
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        execvp(words[3], words + 3);
        _exit(125);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0)
        status = 125 << 8;
    syscall(SYS_keyctl, KEYCTL_UNLINK, key, KEY_SPEC_USER_KEYRING);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
