/* SPDX-License-Identifier: BSD-2-Clause */
#include "fdset.h"

#include "cli/kvtree.h"
#include "cli/values.h"
#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fds *fds_of(struct vm *vm)
{
    if (!vm->fds) {
        vm->fds = XNEW(struct fds);
        TAILQ_INIT(&vm->fds->sets);
        LIST_INIT(&vm->fds->named);
    }
    return vm->fds;
}

/* ---- sets ---- */

static struct fdset *find(struct vm *vm, int64_t id)
{
    struct fdset *s;
    TAILQ_FOREACH(s, &fds_of(vm)->sets, link)
    if (s->id == id)
        return s;
    return NULL;
}

static int64_t first_free(struct vm *vm)
{
    int64_t id = 0;
    const struct fdset *s;
    TAILQ_FOREACH(s, &fds_of(vm)->sets, link)
    {
        if (s->id != id)
            break;
        id++;
    }
    return id;
}

static struct fdset *add_set(struct vm *vm, int64_t id)
{
    struct fdset *s = XNEW(struct fdset), *after;
    s->id = id;
    LIST_INIT(&s->fds);
    TAILQ_FOREACH(after, &fds_of(vm)->sets, link)
    if (after->id > id)
        break;
    if (after)
        TAILQ_INSERT_BEFORE(after, s, link);
    else
        TAILQ_INSERT_TAIL(&fds_of(vm)->sets, s, link);
    return s;
}

int64_t fdset_add(struct vm *vm, int64_t id, int fd, const char *opaque)
{
    struct fdset *s = id < 0 ? NULL : find(vm, id);
    struct fdset_entry *f = XNEW(struct fdset_entry);
    if (!s)
        s = add_set(vm, id < 0 ? first_free(vm) : id);
    *f = (struct fdset_entry){.fd = fd, .opaque = opaque ? xstrdup(opaque) : NULL};
    LIST_INSERT_HEAD(&s->fds, f, link);
    return s->id;
}

static void drop_entry(struct fdset_entry *f)
{
    LIST_REMOVE(f, link);
    close(f->fd);
    free(f->opaque);
    free(f);
}

static void drop_if_empty(struct vm *vm, struct fdset *s)
{
    if (!LIST_EMPTY(&s->fds))
        return;
    TAILQ_REMOVE(&vm->fds->sets, s, link);
    free(s);
}

static int not_found(int64_t id, int fd, struct tn_err *e)
{
    return fd < 0 ? err_set(e, ENOENT, "File descriptor named 'fdset-id:%lld' not found",
                            (long long)id)
                  : err_set(e, ENOENT, "File descriptor named 'fdset-id:%lld, fd:%d' not found",
                            (long long)id, fd);
}

int fdset_remove(struct vm *vm, int64_t id, int fd, struct tn_err *e)
{
    struct fdset *s = find(vm, id);
    struct fdset_entry *f, *next;
    int any = 0;
    for (f = s ? LIST_FIRST(&s->fds) : NULL; f; f = next) {
        next = LIST_NEXT(f, link);
        if (fd >= 0 && f->fd != fd)
            continue;
        drop_entry(f);
        any = 1;
    }
    if (!any)
        return not_found(id, fd, e);
    drop_if_empty(vm, s);
    return 0;
}

int fdset_option(struct vm *vm, const struct kv_node *kv, struct tn_err *e)
{
    const char *fd = kv_text(kv, "fd"), *set = kv_text(kv, "set");
    uint64_t number, id;
    if (!fd || val_u64("fd", fd, 0, INT32_MAX, &number, NULL) < 0)
        return err_set(e, EINVAL, "fd option is required and must be non-negative");
    if (number <= STDERR_FILENO)
        return err_set(e, EINVAL, "fd cannot be a standard I/O stream");
    if (!set || val_u64("set", set, 0, INT64_MAX, &id, NULL) < 0)
        return err_set(e, EINVAL, "set option is required and must be non-negative");
    int flags = fcntl((int)number, F_GETFD);
    if (flags < 0 || (flags & FD_CLOEXEC)) /* close-on-exec: opened by this process itself */
        return err_set(e, EBADF, "fd is not valid or already in use");
    int own = fcntl((int)number, F_DUPFD_CLOEXEC, 0);
    if (own < 0)
        return err_set(e, errno, "error duplicating fd: %s", strerror(errno));
    fdset_add(vm, (int64_t)id, own, kv_text(kv, "opaque"));
    return 0;
}

/* ---- files ---- */

#define PREFIX "/dev/fdset/"

int file_is_fdset(const char *path)
{
    return strncmp(path, PREFIX, strlen(PREFIX)) == 0;
}

/* Of the set's descriptors the one with the access mode of flags, duplicated; what else flags say
 * of a descriptor that is open is set. */
static int open_of(const struct fdset *s, int flags)
{
    const int settable = O_APPEND | O_NONBLOCK;
    const struct fdset_entry *f;
    LIST_FOREACH(f, &s->fds, link)
    {
        int have = fcntl(f->fd, F_GETFL);
        if (have < 0 || (have & O_ACCMODE) != (flags & O_ACCMODE))
            continue;
        int fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
        if (fd >= 0 && (flags & settable) && fcntl(fd, F_SETFL, have | (flags & settable)) < 0)
            close_fd(&fd);
        if (fd >= 0 && (flags & O_TRUNC) && ftruncate(fd, 0) < 0 && errno != EINVAL)
            close_fd(&fd);
        return fd < 0 ? -errno : fd;
    }
    return -EACCES;
}

int path_open(struct vm *vm, const char *path, int flags, mode_t mode)
{
    uint64_t id;
    if (!file_is_fdset(path)) {
        int fd = open(path, flags | O_CLOEXEC, mode);
        return fd < 0 ? -errno : fd;
    }
    if (val_u64("fdset", path + strlen(PREFIX), 0, INT64_MAX, &id, NULL) < 0)
        return -EINVAL;
    const struct fdset *s = find(vm, (int64_t)id);
    return s ? open_of(s, flags) : -ENOENT;
}

/* ---- names ---- */

const void *fds_ask(struct vm *vm, const void *asker)
{
    struct fds *f = fds_of(vm);
    const void *was = f->asker;
    f->asker = asker;
    return was;
}

static struct fd_named *find_name(struct vm *vm, const char *name)
{
    struct fds *f = fds_of(vm);
    struct fd_named *n;
    LIST_FOREACH(n, &f->named, link)
    if (n->owner == f->asker && strcmp(n->name, name) == 0)
        return n;
    return NULL;
}

void fd_keep(struct vm *vm, const char *name, int fd)
{
    struct fd_named *n = find_name(vm, name);
    if (n) {
        close(n->fd);
    } else {
        n = XNEW(struct fd_named);
        n->owner = fds_of(vm)->asker;
        n->name = xstrdup(name);
        LIST_INSERT_HEAD(&fds_of(vm)->named, n, link);
    }
    n->fd = fd;
}

int fd_named(struct vm *vm, const char *name)
{
    const struct fd_named *n = find_name(vm, name);
    return n ? n->fd : -1;
}

static int forget(struct fd_named *n)
{
    int fd = n->fd;
    LIST_REMOVE(n, link);
    free(n->name);
    free(n);
    return fd;
}

int fd_take(struct vm *vm, const char *name)
{
    struct fd_named *n = find_name(vm, name);
    return n ? forget(n) : -1;
}

void fds_free(struct vm *vm)
{
    struct fdset *s;
    struct fd_named *n;
    if (!vm->fds)
        return;
    while ((s = TAILQ_FIRST(&vm->fds->sets))) {
        while (!LIST_EMPTY(&s->fds))
            /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what is freed has left the list */
            drop_entry(LIST_FIRST(&s->fds));
        drop_if_empty(vm, s);
    }
    while ((n = LIST_FIRST(&vm->fds->named)))
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what is freed has left the list */
        close(forget(n));
    free(vm->fds);
    vm->fds = NULL;
}
