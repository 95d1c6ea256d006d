/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs that set a TAP up, also while the machine runs. The one for the end waits in a shell for
 * this process, or the back end, to be gone. */
#include "tap.h"

#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <tenon/plugin.h>
#include <unistd.h>

enum { DOWN_MS = 10000 }; /* for downscript; it goes on by itself */

/* A descriptor of the program, the device's, or -errno. */
static int run(struct tap *t, const struct tn_program *p, struct tn_err *e)
{
    return TN_HAS(t->os, run) ? t->os->run(t->d, p, e)
                              : tn_fail(t->d, e, ENOTSUP, "this host starts no programs");
}

/* Its exit status, or -1: it did not exit. The descriptor is given up. */
static int wait_for(struct tap *t, int program, uint32_t ms)
{
    int status, r = t->os->ended(t->d, program, ms, &status);
    t->os->close(t->d, program);
    return r == 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* NULL: no memory. */
static char *joined(const char *before, const char *word, const char *after)
{
    char *s = NULL;
    return asprintf(&s, "%s%s%s", before, word, after) < 0 ? NULL : s;
}

/* A script is where it is named, never in PATH. The caller frees; NULL: no memory, with e. */
static char *script_path(struct tap *t, const char *path, struct tn_err *e)
{
    char *script = joined(strchr(path, '/') ? "" : "./", path, "");
    if (!script)
        t->d->core->fail(e, ENOMEM, __FILE__, __LINE__, "no memory for a script's name");
    return script;
}

static int not_run(struct tap *t, const char *path, int err, struct tn_err *e)
{
    return tn_fail(t->d, e, err, "could not launch network script %s: %s", path, strerror(err));
}

int tap_run_script(struct tap *t, const char *path, struct tn_err *e)
{
    AUTO_FREE char *script = script_path(t, path, e);
    if (!script)
        return -ENOMEM;
    const char *const argv[] = {script, t->name, NULL};
    int program =
        run(t, &(struct tn_program){.struct_size = sizeof(struct tn_program), .args = argv}, e);
    if (program < 0)
        return program;
    int status = wait_for(t, program, UINT32_MAX);
    return status == 0
               ? 0
               : tn_fail(t->d, e, EINVAL, "network script %s failed with status %d", path, status);
}

/* The waiting shell has the TAP open too, so that the interface is still there for the script. Its
 * standard input ends when the last writer is gone, by close() or by this process's end. */
int tap_await_end(struct tap *t, const char *path, struct tn_err *e)
{
    AUTO_FREE char *script = script_path(t, path, e);
    if (!script)
        return -ENOMEM;
    const char *const argv[] = {"/bin/sh", "-c",    "read -r x; exec \"$0\" \"$1\"",
                                script,    t->name, NULL};
    int p[2];
    if (access(script, X_OK) < 0 || pipe2(p, O_CLOEXEC) < 0)
        return not_run(t, path, errno, e);
    const struct tn_program_fd fds[] = {{p[0], 0}, {t->q[0].fd, 9}};
    t->down_pipe = p[1];
    t->down_program = run(t,
                          &(struct tn_program){.struct_size = sizeof(struct tn_program),
                                               .flags = TN_PROGRAM_SESSION,
                                               .args = argv,
                                               .fds = fds,
                                               .nfds = ARRAY_SIZE(fds)},
                          e);
    close(p[0]);
    return t->down_program < 0 ? t->down_program : 0;
}

/* Whoever makes an interface of this name next finds the name free. */
void tap_end_script(struct tap *t)
{
    close_fd(&t->down_pipe);
    t->down_pipe = -1;
    if (t->down_program >= 0 && wait_for(t, t->down_program, DOWN_MS) != 0)
        t->d->core->warn(t->d, "the network script for the end of %s failed", t->name);
    t->down_program = -1;
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

int tap_ask_helper(struct tap *t, const char *helper, const char *br, struct tn_err *e)
{
    AUTO_FREE char *line = joined("exec ", helper, " \"$@\""); /* it may have arguments */
    AUTO_FREE char *bridge = joined("--br=", br, "");
    if (!line || !bridge)
        return tn_fail(t->d, e, ENOMEM, "no memory for a bridge helper's command line");
    const char *const argv[] = {"/bin/sh",    "-c",     line,   "helper",
                                "--use-vnet", "--fd=3", bridge, NULL};
    int p[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p) < 0)
        return tn_fail(t->d, e, errno, "bridge helper: %s", strerror(errno));
    const struct tn_program_fd theirs = {p[1], 3};
    int program =
        run(t,
            &(struct tn_program){
                .struct_size = sizeof(struct tn_program), .args = argv, .fds = &theirs, .nfds = 1},
            e);
    close(p[1]);
    int fd = program < 0 ? -1 : receive_fd(p[0]);
    close(p[0]);
    if (program < 0)
        return program;
    if (wait_for(t, program, UINT32_MAX) == 0 && fd >= 0)
        return fd;
    close_fd(&fd);
    return tn_fail(t->d, e, EINVAL, "bridge helper failed: %s", helper);
}
