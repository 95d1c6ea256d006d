/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs that set a TAP up. They are started before the sandbox closes; the one for the end waits
 * in a shell for this process to be gone. */
#include "tap.h"

#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct spawn {
    posix_spawnattr_t attr;
    posix_spawn_file_actions_t files;
};

/* Signals as a program expects them: this process has some blocked, and ignores SIGPIPE. */
static void spawn_init(struct spawn *s, short flags)
{
    sigset_t none, def;
    sigemptyset(&none);
    sigemptyset(&def);
    sigaddset(&def, SIGPIPE);
    posix_spawnattr_init(&s->attr);
    posix_spawn_file_actions_init(&s->files);
    posix_spawnattr_setsigmask(&s->attr, &none);
    posix_spawnattr_setsigdefault(&s->attr, &def);
    posix_spawnattr_setflags(&s->attr,
                             (short)(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | flags));
}

/* 0 or -errno; *pid is the new process. */
static int spawn_run(struct spawn *s, pid_t *pid, const char *const *argv)
{
    int err = posix_spawn(pid, argv[0], &s->files, &s->attr, (char **)(uintptr_t)argv, environ);
    posix_spawnattr_destroy(&s->attr);
    posix_spawn_file_actions_destroy(&s->files);
    return -err;
}

/* Its exit status, or -1: it did not exit. */
static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int tap_run_script(struct tap *t, const char *path, struct tn_err *e)
{
    const char *const argv[] = {path, t->name, NULL};
    struct spawn s;
    pid_t pid;
    spawn_init(&s, 0);
    int r = spawn_run(&s, &pid, argv);
    if (r < 0)
        return tn_fail(t->d, e, -r, "could not launch network script %s: %s", path, strerror(-r));
    int status = wait_for(pid);
    return status == 0
               ? 0
               : tn_fail(t->d, e, EINVAL, "network script %s failed with status %d", path, status);
}

/* The waiting shell has the TAP open too, so that the interface is still there for the script. Its
 * standard input ends when the last writer is gone, by close() or by this process's end. */
int tap_await_end(struct tap *t, const char *path, struct tn_err *e)
{
    const char *const argv[] = {"/bin/sh", "-c",    "read -r x; exec \"$0\" \"$1\"",
                                path,      t->name, NULL};
    struct spawn s;
    pid_t pid;
    int p[2];
    if (access(path, X_OK) < 0)
        return tn_fail(t->d, e, errno, "network script %s: %s", path, strerror(errno));
    if (pipe2(p, O_CLOEXEC) < 0)
        return tn_fail(t->d, e, errno, "network script %s: %s", path, strerror(errno));
    t->down_pipe = p[1];
    spawn_init(&s, POSIX_SPAWN_SETSID);
    posix_spawn_file_actions_adddup2(&s.files, p[0], 0);
    posix_spawn_file_actions_adddup2(&s.files, t->q[0].fd, 9);
    int r = spawn_run(&s, &pid, argv);
    close(p[0]);
    return r < 0
               ? tn_fail(t->d, e, -r, "could not launch network script %s: %s", path, strerror(-r))
               : 0;
}

/* ---- the bridge helper ---- */

/* One descriptor, as SCM_RIGHTS of a message of one byte. */
static int receive_fd(int sock)
{
    union {
        char room[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } c;
    char byte;
    struct iovec v = {&byte, 1};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof c};
    ssize_t n;
    do
        n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    struct cmsghdr *h = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
    int fd = -1;
    if (h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS &&
        h->cmsg_len == CMSG_LEN(sizeof fd))
        memcpy(&fd, CMSG_DATA(h), sizeof fd);
    return fd;
}

/* The helper's end of the socket becomes its descriptor 3. 0 or -errno. */
static int start_helper(const char *const *argv, int theirs, pid_t *pid)
{
    enum { HELPER_FD = 3, ABOVE = 16 };
    struct spawn s;
    int high =
        fcntl(theirs, F_DUPFD_CLOEXEC, ABOVE); /* dup2() onto itself would keep close-on-exec */
    if (high < 0)
        return -errno;
    spawn_init(&s, 0);
    posix_spawn_file_actions_adddup2(&s.files, high, HELPER_FD);
    int r = spawn_run(&s, pid, argv);
    close(high);
    return r;
}

/* NULL: no memory. */
static char *joined(const char *before, const char *word, const char *after)
{
    char *s = NULL;
    return asprintf(&s, "%s%s%s", before, word, after) < 0 ? NULL : s;
}

int tap_ask_helper(struct tap *t, const char *helper, const char *br, struct tn_err *e)
{
    AUTO_FREE char *line = joined("exec ", helper, " \"$@\""); /* it may have arguments */
    AUTO_FREE char *bridge = joined("--br=", br, "");
    if (!line || !bridge)
        return tn_fail(t->d, e, ENOMEM, "no memory for a bridge helper's command line");
    const char *const argv[] = {"/bin/sh",    "-c",     line,   "helper",
                                "--use-vnet", "--fd=3", bridge, NULL};
    pid_t pid = -1;
    int p[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p) < 0)
        return tn_fail(t->d, e, errno, "bridge helper: %s", strerror(errno));
    int r = start_helper(argv, p[1], &pid);
    close(p[1]);
    int fd = r < 0 ? -1 : receive_fd(p[0]);
    close(p[0]);
    if (r < 0)
        return tn_fail(t->d, e, -r, "bridge helper '%s': %s", helper, strerror(-r));
    if (wait_for(pid) == 0 && fd >= 0)
        return fd;
    close_fd(&fd);
    return tn_fail(t->d, e, EINVAL, "bridge helper failed: %s", helper);
}
