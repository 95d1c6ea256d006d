/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine's end. */
#include "spawner_impl.h"
#include "util/alloc.h"
#include "util/buf.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct spawner {
    struct sockaddr_un at;
    socklen_t at_len;
    int lifeline; /* the process ends when this is closed */
};

/* ---- life ---- */

/* Bound to an address that the kernel chooses: unix(7), autobind. */
static int listen_at(struct spawner *s)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    s->at.sun_family = AF_UNIX;
    s->at_len = sizeof s->at;
    if (fd < 0 ||
        (bind(fd, (struct sockaddr *)&s->at, sizeof s->at.sun_family) == 0 &&
         getsockname(fd, (struct sockaddr *)&s->at, &s->at_len) == 0 && listen(fd, 8) == 0))
        return fd < 0 ? -errno : fd;
    int err = errno;
    close(fd);
    return -err;
}

static int make_process(struct spawner *s, uint32_t flags)
{
    int line[2], listener = listen_at(s);
    if (listener < 0)
        return listener;
    if (pipe2(line, O_CLOEXEC) < 0) {
        int err = errno;
        close(listener);
        return -err;
    }
    pid_t owner = getpid(), pid = fork();
    int err = errno;
    if (pid == 0) {
        close(line[1]);
        spawner_serve(listener, line[0], owner, flags);
    }
    close(listener);
    close(line[0]);
    s->lifeline = line[1];
    return pid < 0 ? -err : 0;
}

struct spawner *spawner_new(uint32_t flags, struct tn_err *e)
{
    struct spawner *s = XNEW(struct spawner);
    s->lifeline = -1;
    int r = make_process(s, flags);
    if (r == 0)
        return s;
    err_set(e, -r, "no process to start programs: %s", strerror(-r));
    spawner_free(s);
    return NULL;
}

void spawner_free(struct spawner *s)
{
    if (!s)
        return;
    close_fd(&s->lifeline);
    free(s);
}

/* ---- requests ---- */

static int send_request(int fd, const struct spawn *p)
{
    BUF_AUTO text = {0};
    struct spawn_head head = {.nfds = p->nfds, .flags = p->flags};
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof p->fd)];
    } ctl = {0};
    memcpy(head.as, p->as, sizeof head.as);
    for (char *const *arg = p->args; *arg; arg++, head.nargs++)
        buf_add(&text, *arg, strlen(*arg) + 1);
    if (text.len > SPAWN_MAX_BYTES || head.nargs > SPAWN_MAX_ARGS)
        return -E2BIG;
    struct iovec v[] = {{&head, sizeof head}, {text.data, text.len}};
    struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};
    size_t bytes = p->nfds * sizeof p->fd[0];
    if (bytes) {
        m.msg_control = ctl.room;
        m.msg_controllen = CMSG_SPACE(bytes);
        ctl.head = (struct cmsghdr){
            .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(bytes)};
        memcpy(CMSG_DATA(&ctl.head), p->fd, bytes);
    }
    return sendmsg(fd, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int hear(int fd, int32_t *v)
{
    ssize_t n;
    while ((n = recv(fd, v, sizeof *v, 0)) < 0 && errno == EINTR)
        ;
    return n == sizeof *v ? 0 : n < 0 ? -errno : -ECONNRESET;
}

static int ask(const struct spawner *s, int fd, const struct spawn *p)
{
    int32_t err = 0;
    int r = connect(fd, (const struct sockaddr *)&s->at, s->at_len) < 0 ? -errno : 0;
    if (r == 0)
        r = send_request(fd, p);
    if (r == 0)
        r = hear(fd, &err);
    return r < 0 ? r : -err;
}

int spawner_run(struct spawner *s, const struct spawn *p, struct tn_err *e)
{
    if (!s)
        return err_set(e, EPERM, "'%s' cannot be started from inside the sandbox", p->args[0]);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    int r = fd < 0 ? -errno : ask(s, fd, p);
    if (r == 0)
        return fd;
    close_fd(&fd);
    return err_set(e, -r, "'%s' cannot be started: %s", p->args[0], strerror(-r));
}

int spawner_wait(int program, int wake, int *status)
{
    struct pollfd p[] = {{program, POLLIN, 0}, {wake, POLLIN, 0}};
    int32_t v = 0;
    while (poll(p, 2, -1) < 0)
        if (errno != EINTR)
            return -errno;
    if (!p[0].revents)
        return -ECANCELED;
    int r = hear(program, &v);
    *status = v;
    return r;
}
