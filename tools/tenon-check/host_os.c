/* SPDX-License-Identifier: BSD-2-Clause */
/* TN_OS_1: real files and threads. Names are resolved in realize only; threads run from the first
 * resume on. */
#include "parts.h"
#include "services.h"
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

struct owned {
    struct res r;
    int fd;
};

static void fd_release(struct res *r)
{
    struct owned *o = (void *)r;
    if (fcntl(o->fd, F_GETFD) < 0)
        violation("os.h: descriptors belong to the device: closed by close()",
                  "descriptor %d of tenon.os was closed by hand", o->fd);
    close(o->fd);
}

static int own(struct dev *d, int fd)
{
    if (fd < 0)
        return -errno;
    struct owned *o = res_new(d, "descriptor", sizeof *o, fd_release);
    o->fd = fd;
    return fd;
}

static int flags_of(uint32_t f)
{
    int rw = f & TN_O_READ && f & TN_O_WRITE ? O_RDWR : f & TN_O_WRITE ? O_WRONLY : O_RDONLY;
    if (f >> 7)
        violation("os.h: TN_O_*", "os->open with flags 0x%x", f);
    return rw | O_CLOEXEC | O_NOCTTY | (f & TN_O_CREATE ? O_CREAT : 0) |
           (f & TN_O_TRUNC ? O_TRUNC : 0) | (f & TN_O_DIR ? O_DIRECTORY : 0) |
           (f & TN_O_NONBLOCK ? O_NONBLOCK : 0);
}

static int opened(struct dev *d, int fd, const char *path, uint32_t flags, struct tn_err *e)
{
    if (fd < 0)
        return err_set(e, errno, "Could not open '%s': %s", path, strerror(errno));
    if (flags & TN_O_EXCL_LOCK && flock(fd, LOCK_EX | LOCK_NB) < 0) {
        close(fd);
        return err_set(e, EBUSY, "'%s' is in use by another process", path);
    }
    return own(d, fd);
}

static int os_open(struct tn_dev *pub, const char *path, uint32_t flags, struct tn_err *e)
{
    struct dev *d = dev_of(pub);
    enter_realize(d, "os->open");
    int r = inject_err(d, e, EACCES, "os->open");
    return r < 0 ? r : opened(d, open(path, flags_of(flags), 0600), path, flags, e);
}

static int os_open_at(struct tn_dev *pub, int dir, const char *name, uint32_t flags,
                      struct tn_err *e)
{
    struct dev *d = dev_of(pub);
    struct open_how how = {.flags = (uint64_t)flags_of(flags),
                           .mode = flags & TN_O_CREATE ? 0600 : 0,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    enter(d, R_MAIN, "os->open_at");
    int r = inject_err(d, e, EACCES, "os->open_at");
    return r < 0
               ? r
               : opened(d, (int)syscall(SYS_openat2, dir, name, &how, sizeof how), name, flags, e);
}

static int os_socket(struct tn_dev *pub, const char *kind, const char *addr, struct tn_err *e)
{
    (void)addr;
    enter(dev_of(pub), R_MAIN, "os->socket");
    return err_set(e, ENOTSUP, "there is no socket of kind '%s' here", kind);
}

static int os_watch(struct tn_dev *pub, const char *path, uint32_t events,
                    void (*fn)(void *, const char *), void *s)
{
    struct dev *d = dev_of(pub);
    (void)s;
    enter(d, R_MAIN, "os->watch");
    if (!path || !events || !fn)
        violation("os.h: watch", "os->watch of nothing");
    return inject(d, "os->watch") ? -ENOSPC : 0;
}

static int os_readlink(struct tn_dev *pub, const char *path, char *buf, uint64_t len)
{
    struct dev *d = dev_of(pub);
    enter(d, R_MAIN, "os->readlink");
    ssize_t n = inject(d, "os->readlink") ? (errno = EACCES, -1) : readlink(path, buf, len);
    return n < 0 ? -errno : (int)n;
}

static int os_eventfd(struct tn_dev *pub)
{
    struct dev *d = dev_of(pub);
    enter(d, R_MAIN, "os->eventfd");
    return inject(d, "os->eventfd") ? -EMFILE : own(d, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
}

static int os_memfd(struct tn_dev *pub, const char *name, uint64_t size)
{
    struct dev *d = dev_of(pub);
    enter(d, R_MAIN, "os->memfd");
    if (inject(d, "os->memfd"))
        return -EMFILE;
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, (off_t)size) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0) {
        close(fd);
        return -ENOMEM;
    }
    return own(d, fd);
}

static int os_socketpair(struct tn_dev *pub, int fd[2])
{
    struct dev *d = dev_of(pub);
    enter(d, R_MAIN, "os->socketpair");
    if (inject(d, "os->socketpair"))
        return -EMFILE;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd) < 0)
        return -errno;
    own(d, fd[0]);
    own(d, fd[1]);
    return 0;
}

static void os_close(struct tn_dev *pub, int fd)
{
    struct dev *d = dev_of(pub);
    struct res *r;
    enter(d, R_ANY, "os->close");
    TAILQ_FOREACH(r, &d->res, link)
    if (strcmp(r->kind, "descriptor") == 0 && ((struct owned *)(void *)r)->fd == fd) {
        res_drop(r);
        return;
    }
    violation("os.h: close: one of the above",
              "os->close(%d), which is not a descriptor that tenon.os gave, or closed", fd);
}

/* ---- threads ---- */

struct tn_thread {
    struct res r;
    pthread_t id;
    void (*fn)(void *);
    void *s;
};

static void thread_release(struct res *r)
{
    pthread_join(((struct tn_thread *)(void *)r)->id, NULL);
}

static void *thread_main(void *o)
{
    struct tn_thread *t = o;
    CALL(t->r.d, R_WORKER, "a thread", t->fn(t->s));
    return NULL;
}

static struct tn_thread *os_thread(struct tn_dev *pub, const char *name, const char *profile,
                                   void (*fn)(void *), void *s, struct tn_err *e)
{
    struct dev *d = dev_of(pub);
    (void)profile;
    enter(d, R_MAIN, "os->thread");
    if (d->stage < ST_RUNNING)
        violation("os.h: thread: from the first resume on", "os->thread(\"%s\") before it", name);
    if (inject_err(d, e, EAGAIN, "os->thread"))
        return NULL;
    struct tn_thread *t = res_new(d, "thread", sizeof *t, thread_release);
    t->fn = fn;
    t->s = s;
    if (pthread_create(&t->id, NULL, thread_main, t) != 0) {
        perror("tenon-check: thread");
        exit(2);
    }
    return t;
}

static void os_join(struct tn_thread *t)
{
    res_check(&t->r, "os->join");
    enter(t->r.d, R_MAIN, "os->join");
    if (t->r.d->stage != ST_QUIESCING && t->r.d->stage != ST_UNREALIZING)
        violation("os.h: join: in quiesce or unrealize", "os->join elsewhere");
    res_drop(&t->r);
}

static int os_need(struct tn_dev *pub, const char *profile)
{
    struct dev *d = dev_of(pub);
    enter_realize(d, "os->need");
    if (!profile || !*profile)
        violation("os.h: need", "os->need of no profile");
    return d->h->seal ? -EPERM : inject(d, "os->need") ? -EINVAL : 0;
}

/* As on a machine whose user has allowed it no programs. */
static int os_run(struct tn_dev *pub, const struct tn_program *p, struct tn_err *e)
{
    enter(dev_of(pub), R_MAIN, "os->run");
    if (!p->args || !p->args[0] || p->nfds > TN_PROGRAM_FDS)
        violation("os.h: tn_program", "os->run with %u descriptors", p->nfds);
    for (uint32_t i = 0; i < p->nfds; i++)
        if (p->fds[i].as > TN_PROGRAM_AS_MAX)
            violation("os.h: TN_PROGRAM_AS_MAX", "os->run with descriptor %u", p->fds[i].as);
    return err_set(e, EPERM, "'%s' is not started by a check", p->args[0]);
}

static int os_ended(struct tn_dev *pub, int program, uint32_t ms, int *status)
{
    (void)program, (void)ms, (void)status;
    enter(dev_of(pub), R_MAIN, "os->ended");
    violation("os.h: ended", "os->ended of what run() never gave");
    return -EAGAIN;
}

const struct tn_os os_table = {
    .struct_size = sizeof(struct tn_os),
    .open = os_open,
    .open_at = os_open_at,
    .socket = os_socket,
    .watch = os_watch,
    .readlink = os_readlink,
    .eventfd = os_eventfd,
    .memfd = os_memfd,
    .socketpair = os_socketpair,
    .close = os_close,
    .thread = os_thread,
    .join = os_join,
    .need = os_need,
    .run = os_run,
    .ended = os_ended,
};
