/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors that a peer sends along on a local socket (SCM_RIGHTS), for a monitor's getfd. */
#include "chardev_impl.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static void keep(struct tn_chr *c, int fd)
{
    pthread_mutex_lock(&c->lock);
    int room = c->nfds < CHR_FDS;
    if (room)
        c->fds[c->nfds++] = fd;
    pthread_mutex_unlock(&c->lock);
    if (!room)
        close(fd);
}

static void keep_all(struct tn_chr *c, struct msghdr *m)
{
    for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(h) + i * sizeof fd, sizeof fd);
            keep(c, fd);
        }
    }
}

ssize_t chr_recv(struct tn_chr *c, int fd, void *p, size_t n)
{
    char control[CMSG_SPACE(CHR_FDS * sizeof(int))];
    struct iovec v = {p, n};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    if (!__atomic_load_n(&c->takes_fds, __ATOMIC_RELAXED))
        return recv(fd, p, n, MSG_DONTWAIT);
    ssize_t r = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (r >= 0)
        keep_all(c, &m);
    return r;
}

int chardev_take_fd(struct tn_chr *c)
{
    int fd = -1;
    pthread_mutex_lock(&c->lock);
    if (c->nfds) {
        fd = c->fds[0];
        memmove(&c->fds[0], &c->fds[1], --c->nfds * sizeof fd);
    }
    pthread_mutex_unlock(&c->lock);
    return fd;
}

void chr_drop_fds(struct tn_chr *c)
{
    for (int fd; (fd = chardev_take_fd(c)) >= 0;)
        close(fd);
}
