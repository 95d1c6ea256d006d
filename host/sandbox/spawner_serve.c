/* SPDX-License-Identifier: BSD-2-Clause */
/* The process that starts programs. It makes one more for each, which waits for it. */
#include "spawner_impl.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LISTENER = 3, LIFELINE = 4, FIRST_FREE = 5 }; /* descriptors */

/* What a terminal sends to all in the foreground is the machine's business. */
static const int ignored[] = {SIGINT, SIGQUIT, SIGHUP, SIGTSTP, SIGPIPE};
enum { IGNORED = sizeof ignored / sizeof ignored[0] };

/* ---- one program ---- */

struct request {
    struct spawn_head head;
    char text[SPAWN_MAX_BYTES];
    char *args[SPAWN_MAX_ARGS + 1];
    int fd[SPAWN_FDS];
};

static int take_fds(struct request *r, struct msghdr *m)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    size_t bytes = r->head.nfds * sizeof r->fd[0];
    if (!bytes)
        return 0;
    if (!c || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(bytes))
        return -EINVAL;
    memcpy(r->fd, CMSG_DATA(c), bytes);
    return 0;
}

static int take_args(struct request *r, size_t len)
{
    size_t at = 0;
    if (!len || r->text[len - 1] || !r->head.nargs || r->head.nargs > SPAWN_MAX_ARGS)
        return -EINVAL;
    for (uint32_t i = 0; i < r->head.nargs; i++) {
        if (at >= len)
            return -EINVAL;
        r->args[i] = r->text + at;
        at += strlen(r->args[i]) + 1;
    }
    return 0;
}

static int take(int conn, struct request *r)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof r->fd)];
    } ctl;
    struct iovec v[] = {{&r->head, sizeof r->head}, {r->text, sizeof r->text}};
    struct msghdr m = {
        .msg_iov = v, .msg_iovlen = 2, .msg_control = ctl.room, .msg_controllen = sizeof ctl.room};
    ssize_t n = recvmsg(conn, &m, MSG_CMSG_CLOEXEC);
    if (n < (ssize_t)sizeof r->head || m.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ||
        r->head.nfds > SPAWN_FDS)
        return -EINVAL;
    int err = take_fds(r, &m);
    return err < 0 ? err : take_args(r, (size_t)n - sizeof r->head);
}

/* What one is to be may be another's number still: all go out of the way first. 0 or an errno. */
static int place(const struct request *r)
{
    int high[SPAWN_FDS];
    for (uint32_t i = 0; i < r->head.nfds; i++)
        if ((high[i] = fcntl(r->fd[i], F_DUPFD_CLOEXEC, SPAWN_AS_MAX + 1)) < 0)
            return errno;
    for (uint32_t i = 0; i < r->head.nfds; i++)
        if (r->head.as[i] > SPAWN_AS_MAX || dup2(high[i], (int)r->head.as[i]) < 0)
            return EINVAL;
    return 0;
}

/* In the program's process; what it fails of goes to say. */
static void become(const struct request *r, int say)
{
    say = fcntl(say, F_DUPFD_CLOEXEC, SPAWN_AS_MAX + 1);
    int err = say < 0 ? errno : place(r);
    if (r->head.flags & SPAWN_STAYS)
        setsid();
    for (int i = 0; i < IGNORED; i++)
        signal(ignored[i], SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    if (!err)
        execvp(r->args[0], r->args);
    err = err ? err : errno;
    ssize_t n = write(say, &err, sizeof err);
    _exit(n == sizeof err ? 127 : 126);
}

static int start(const struct request *r, pid_t *pid)
{
    int say[2], err = 0;
    if (pipe2(say, O_CLOEXEC) < 0)
        return -errno;
    *pid = fork();
    if (*pid == 0)
        become(r, say[1]);
    err = *pid < 0 ? errno : 0;
    close(say[1]);
    if (!err && read(say[0], &err, sizeof err) != sizeof err)
        err = 0; /* closed by exec */
    close(say[0]);
    return -err;
}

/* Until it has ended, or nobody wants it any more: then it is told to. */
static int32_t await(int conn, pid_t pid, uint32_t flags)
{
    int status = 0, fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd p[] = {{fd, POLLIN, 0}, {conn, POLLIN, 0}};
    if (fd >= 0 && poll(p, 2, -1) > 0 && p[1].revents && !p[0].revents && !(flags & SPAWN_STAYS))
        kill(pid, SIGTERM);
    waitpid(pid, &status, 0);
    return status;
}

static void attend(int conn)
{
    struct request *r = calloc(1, sizeof *r); /* this process ends soon */
    pid_t pid = -1;
    signal(SIGCHLD, SIG_DFL);
    int32_t answer = r ? take(conn, r) : -ENOMEM;
    if (answer == 0)
        answer = start(r, &pid);
    for (uint32_t i = 0; r && i < r->head.nfds && i < SPAWN_FDS; i++)
        if (r->fd[i] > 2)
            close(r->fd[i]); /* what it was the last to have is gone with the program */
    answer = -answer;
    send(conn, &answer, sizeof answer, MSG_NOSIGNAL);
    if (answer)
        return;
    answer = await(conn, pid, r->head.flags);
    send(conn, &answer, sizeof answer, MSG_NOSIGNAL);
}

/* ---- all of them ---- */

static int is_owner(int conn, pid_t owner)
{
    struct ucred who;
    socklen_t len = sizeof who;
    return getsockopt(conn, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && who.pid == owner;
}

static void accept_one(pid_t owner)
{
    int conn = accept4(LISTENER, NULL, NULL, SOCK_CLOEXEC);
    if (conn >= 0 && is_owner(conn, owner) && fork() == 0) {
        close(LISTENER);
        close(LIFELINE);
        attend(conn);
        _exit(0);
    }
    if (conn >= 0)
        close(conn);
}

static void detach(void)
{
    int fd = open("/dev/null", O_RDWR);
    for (int i = 0; i < 3; i++)
        dup2(fd, i);
    if (fd > 2)
        close(fd);
}

/* Nothing of the machine's is here but its standard streams. */
static void settle(int listener, int lifeline, uint32_t flags)
{
    int high = fcntl(lifeline, F_DUPFD, FIRST_FREE);
    if (dup2(listener, LISTENER) < 0 || dup2(high, LIFELINE) < 0 ||
        syscall(SYS_close_range, FIRST_FREE, ~0u, 0) < 0)
        _exit(1);
    fcntl(LISTENER, F_SETFD, FD_CLOEXEC);
    fcntl(LIFELINE, F_SETFD, FD_CLOEXEC);
    if (flags & SPAWN_DETACHED)
        detach();
    if (flags & SPAWN_CONFINED)
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_NAME, "tenon/spawn");
    for (int i = 0; i < IGNORED; i++)
        signal(ignored[i], SIG_IGN);
    signal(SIGCHLD, SIG_IGN); /* who waited for a program leaves no trace */
}

void spawner_serve(int listener, int lifeline, pid_t owner, uint32_t flags)
{
    settle(listener, lifeline, flags);
    struct pollfd p[] = {{LISTENER, POLLIN, 0}, {LIFELINE, POLLIN, 0}};
    for (;;) {
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            _exit(1);
        if (p[1].revents)
            _exit(0);
        if (p[0].revents)
            accept_one(owner);
    }
}
