/* SPDX-License-Identifier: BSD-2-Clause */
/* "tenon.memory/1": memory back ends and RAM of devices. */
#include "core/loop.h"
#include "dirty.h"
#include "memory.h"
#include "util/alloc.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int m_get(struct tn_mem *m, void **va, uint64_t *len, int *fd, uint64_t *off,
                 uint32_t *flags)
{
    if (va)
        *va = m->va;
    if (len)
        *len = m->len;
    if (fd)
        *fd = m->fd;
    if (off)
        *off = m->fd_off;
    if (flags)
        *flags = m->flags;
    return 0;
}

struct claim {
    struct managed m;
    struct tn_mem *mem;
};

static void release_claim(struct managed *m)
{
    struct claim *c = (struct claim *)m;
    c->mem->user = NULL;
    managed_del(m);
    free(c);
}

static int m_claim(struct tn_mem *m, struct tn_dev *d, struct tn_err *e)
{
    if (m->user)
        return err_set(e, EBUSY, "can't use already busy memdev: %s is used by %s", m->name,
                       device_id(m->user));
    struct claim *c = XNEW(struct claim);
    *c = (struct claim){.m.release = release_claim, .mem = m};
    m->user = device_of(d);
    managed_add(m->user, &c->m);
    return 0;
}

static void release_alloc(struct managed *m)
{
    managed_del(m);
    mem_free((struct tn_mem *)m);
}

static int m_alloc(struct tn_dev *d, const char *name, uint64_t len, struct tn_mem **out,
                   struct tn_err *e)
{
    struct vm *vm = device_of(d)->vm;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), size = (len + page - 1) & ~(page - 1);
    int fd = size && size >= len ? memfd_create(name, MFD_CLOEXEC) : -1;
    if (fd < 0 || ftruncate(fd, (off_t)size) < 0) {
        close_fd(&fd);
        return err_set(e, ENOMEM, "no memory of 0x%" PRIx64 " bytes for '%s'", len, name);
    }
    void *va = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (va == MAP_FAILED) {
        close_fd(&fd);
        return err_set(e, ENOMEM, "no memory of 0x%" PRIx64 " bytes for '%s'", len, name);
    }
    *out = mem_new(vm, name, va, size, fd, 0, TN_MEMF_SHARED, 12);
    (*out)->m.release = release_alloc;
    managed_add(device_of(d), &(*out)->m);
    return 0;
}

static void m_dirty(struct tn_mem *m, uint64_t off, uint64_t len)
{
    dirty_mark_block(m, off, len);
}

struct synced {
    void (*done)(void *arg, int err);
    void *arg;
    int err;
};

static void tell_synced(void *o)
{
    struct synced *s = o;
    s->done(s->arg, s->err);
    free(s);
}

static int m_sync(struct tn_mem *m, uint64_t off, uint64_t len, void (*done)(void *, int),
                  void *arg)
{
    if (off > m->len || len > m->len - off)
        return -EINVAL;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), at = off & ~(page - 1);
    struct synced *s = XNEW(struct synced);
    *s = (struct synced){done, arg, msync(m->va + at, len + (off - at), MS_SYNC) < 0 ? -errno : 0};
    bh_once(m->vm->main, NULL, tell_synced, s);
    return 0;
}

const struct tn_memory memory_table = {.struct_size = sizeof(struct tn_memory),
                                       .rev = 1,
                                       .get = m_get,
                                       .claim = m_claim,
                                       .alloc = m_alloc,
                                       .dirty = m_dirty,
                                       .sync = m_sync};
