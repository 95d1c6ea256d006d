/* SPDX-License-Identifier: BSD-2-Clause */
/* "tenon.os/1": files, sockets and threads of devices. Names are resolved before the first resume
 * only, when the sandbox closes; each descriptor belongs to its device. */
#include "backend/fdset.h"
#include "device.h"
#include "epoch.h"
#include "loop.h"
#include "sandbox/sandbox.h"
#include "services.h"
#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/can.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- descriptors ---- */

struct owned_fd {
    struct managed m;
    int fd;
};

static void release_fd(struct managed *m)
{
    struct owned_fd *o = (struct owned_fd *)m;
    managed_del(m);
    close(o->fd);
    free(o);
}

static int own(struct tn_dev *d, int fd)
{
    if (fd < 0)
        return fd;
    struct owned_fd *o = XNEW(struct owned_fd);
    *o = (struct owned_fd){.m.release = release_fd, .fd = fd};
    managed_add(device_of(d), &o->m);
    return fd;
}

static void t_close(struct tn_dev *pub, int fd)
{
    struct device *d = device_of(pub);
    struct managed *m;
    pthread_mutex_lock(&d->managed_lock);
    for (m = d->managed.next; m != &d->managed; m = m->next)
        if (m->release == release_fd && ((struct owned_fd *)m)->fd == fd)
            break;
    pthread_mutex_unlock(&d->managed_lock);
    if (m != &d->managed)
        release_fd(m);
}

static int to_open(uint32_t f)
{
    int rw = (f & TN_O_READ) && (f & TN_O_WRITE) ? O_RDWR : f & TN_O_WRITE ? O_WRONLY : O_RDONLY;
    return rw | O_CLOEXEC | O_NOCTTY | (f & TN_O_CREATE ? O_CREAT : 0) |
           (f & TN_O_TRUNC ? O_TRUNC : 0) | (f & TN_O_DIR ? O_DIRECTORY : 0) |
           (f & TN_O_NONBLOCK ? O_NONBLOCK : 0);
}

static int lock_file(int fd, uint32_t flags, const char *path, struct tn_err *e)
{
    if (!(flags & TN_O_EXCL_LOCK) || flock(fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    return err_set(e, EBUSY, "'%s' is in use by another process", path);
}

static int sealed(struct tn_dev *d, const char *path, struct tn_err *e)
{
    return device_of(d)->vm->sealed && !file_is_fdset(path)
               ? err_set(e, EPERM, "'%s' cannot be opened any more: the machine runs", path)
               : 0;
}

static int t_open(struct tn_dev *d, const char *path, uint32_t flags, struct tn_err *e)
{
    if (sealed(d, path, e) < 0)
        return -EPERM;
    int fd = path_open(device_of(d)->vm, path, to_open(flags), 0600);
    if (fd < 0)
        return err_set(e, -fd, "Could not open '%s': %s", path, strerror(-fd));
    int r = lock_file(fd, flags, path, e);
    if (r < 0) {
        close(fd);
        return r;
    }
    return own(d, fd);
}

static int t_open_at(struct tn_dev *d, int dir, const char *name, uint32_t flags, struct tn_err *e)
{
    struct open_how how = {.flags = (uint64_t)to_open(flags),
                           .mode = flags & TN_O_CREATE ? 0600 : 0,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, dir, name, &how, sizeof how);
    if (fd < 0)
        return err_set(e, errno, "Could not open '%s': %s", name, strerror(errno));
    int r = lock_file(fd, flags, name, e);
    if (r < 0) {
        close(fd);
        return r;
    }
    return own(d, fd);
}

static int open_can(const char *name, struct tn_err *e)
{
    struct ifreq ifr = {0};
    int fd = socket(PF_CAN, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, CAN_RAW);
    if (fd < 0)
        return err_set(e, errno, "CAN socket: %s", strerror(errno));
    strncpy(ifr.ifr_name, name, sizeof ifr.ifr_name - 1);
    struct sockaddr_can a = {.can_family = AF_CAN};
    if (strlen(name) < sizeof ifr.ifr_name && ioctl(fd, SIOCGIFINDEX, &ifr) == 0) {
        a.can_ifindex = ifr.ifr_ifindex;
        if (bind(fd, (struct sockaddr *)&a, sizeof a) == 0)
            return fd;
    }
    int err = errno;
    close(fd);
    return err_set(e, err, "CAN interface '%s': %s", name, strerror(err));
}

static int open_uevent(struct tn_err *e)
{
    struct sockaddr_nl a = {.nl_family = AF_NETLINK, .nl_groups = 1};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0)
        return fd;
    int err = errno;
    close_fd(&fd);
    return err_set(e, err, "uevent socket: %s", strerror(err));
}

static int t_socket(struct tn_dev *d, const char *kind, const char *addr, struct tn_err *e)
{
    if (sealed(d, kind, e) < 0)
        return -EPERM;
    if (strcmp(kind, "can") == 0 && addr)
        return own(d, open_can(addr, e));
    if (strcmp(kind, "uevent") == 0)
        return own(d, open_uevent(e));
    return err_set(e, ENOTSUP, "no sockets of kind '%s'", kind);
}

static int t_readlink(struct tn_dev *d, const char *path, char *buf, uint64_t len)
{
    (void)d;
    ssize_t n = readlink(path, buf, len);
    return n < 0 ? -errno : (int)n;
}

static int t_eventfd(struct tn_dev *d)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fd < 0 ? -errno : own(d, fd);
}

static int t_memfd(struct tn_dev *d, const char *name, uint64_t size)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, (off_t)size) < 0) {
        int err = errno;
        close_fd(&fd);
        return -err;
    }
    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
    return own(d, fd);
}

static int t_socketpair(struct tn_dev *d, int fd[2])
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd) < 0)
        return -errno;
    own(d, fd[0]);
    own(d, fd[1]);
    return 0;
}

/* ---- inotify ---- */

struct notify {
    struct managed m;
    int fd;
    struct tn_watch *w;
    void (*fn)(void *, const char *);
    void *s;
};

static void notified(void *p, uint32_t ev)
{
    struct notify *n = p;
    char raw[4096] __attribute__((aligned(8)));
    (void)ev;
    ssize_t len = read(n->fd, raw, sizeof raw);
    for (ssize_t at = 0; at + (ssize_t)sizeof(struct inotify_event) <= len;) {
        const struct inotify_event *i = (const void *)(raw + at);
        n->fn(n->s, i->len ? i->name : "");
        at += (ssize_t)(sizeof *i + i->len);
    }
}

static void release_notify(struct managed *m)
{
    struct notify *n = (struct notify *)m;
    managed_del(m);
    if (n->w)
        watch_del(n->w);
    close(n->fd);
    free(n);
}

static int t_watch(struct tn_dev *pub, const char *path, uint32_t events,
                   void (*fn)(void *, const char *), void *s)
{
    struct device *d = device_of(pub);
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0 || inotify_add_watch(fd, path, events) < 0) {
        int err = errno;
        close_fd(&fd);
        return -err;
    }
    struct notify *n = XNEW(struct notify);
    *n = (struct notify){.m.release = release_notify, .fd = fd, .fn = fn, .s = s};
    n->w = watch_new(d->vm->main, d, 0, fd, TN_FD_IN, notified, n);
    if (!n->w) {
        close(fd);
        free(n);
        return -ENOMEM;
    }
    managed_del(&n->w->m); /* it goes with n */
    managed_add(d, &n->m);
    return 0;
}

/* ---- threads ---- */

struct tn_thread {
    struct managed m;
    pthread_t id;
    void (*fn)(void *);
    void *s;
    char *name, *profile;
    struct vm *vm;
    uint32_t joined;
};

static void *run_thread(void *p)
{
    struct tn_thread *t = p;
    pthread_setname_np(pthread_self(), t->name);
    sandbox_enter(t->vm, SANDBOX_PLUGIN, t->profile);
    t->fn(t->s);
    return NULL;
}

static void t_join(struct tn_thread *t)
{
    if (!t->joined)
        pthread_join(t->id, NULL);
    t->joined = 1;
}

static void release_thread(struct managed *m)
{
    struct tn_thread *t = (struct tn_thread *)m;
    managed_del(m);
    t_join(t);
    free(t->name);
    free(t->profile);
    free(t);
}

static struct tn_thread *t_thread(struct tn_dev *pub, const char *name, const char *profile,
                                  void (*fn)(void *), void *s, struct tn_err *e)
{
    struct device *d = device_of(pub);
    struct tn_thread *t = XNEW(struct tn_thread);
    *t = (struct tn_thread){.m.release = release_thread,
                            .fn = fn,
                            .s = s,
                            .name = xstrndup(name, 15),
                            .profile = profile ? xstrdup(profile) : NULL,
                            .vm = d->vm};
    int err = d->vm->cold ? EPERM : pthread_create(&t->id, NULL, run_thread, t);
    if (err) {
        err_set(e, err, "thread '%s': %s", name,
                d->vm->cold ? "there are none before the first resume" : strerror(err));
        free(t->name);
        free(t->profile);
        free(t);
        return NULL;
    }
    managed_add(d, &t->m);
    return t;
}

static int t_need(struct tn_dev *d, const char *profile)
{
    return sandbox_need(device_of(d)->vm, profile);
}

/* ---- programs ---- */

static int t_run(struct tn_dev *d, const struct tn_program *p, struct tn_err *e)
{
    return own(d, os_run(device_of(d)->vm, p, e));
}

static int t_ended(struct tn_dev *d, int program, uint32_t ms, int *status)
{
    (void)d;
    return os_ended(program, ms, status);
}

const struct tn_os os_table = {
    .struct_size = sizeof(struct tn_os),
    .rev = 1,
    .open = t_open,
    .open_at = t_open_at,
    .socket = t_socket,
    .watch = t_watch,
    .readlink = t_readlink,
    .eventfd = t_eventfd,
    .memfd = t_memfd,
    .socketpair = t_socketpair,
    .close = t_close,
    .thread = t_thread,
    .join = t_join,
    .need = t_need,
    .run = t_run,
    .ended = t_ended,
};
