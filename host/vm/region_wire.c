/* SPDX-License-Identifier: BSD-2-Clause */
/* What of a region KVM answers itself: pieces that are memory, and writes that only signal. */
#include "core/epoch.h"
#include "core/loop.h"
#include "kvm.h"
#include "memory.h"
#include "space_impl.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- what the kernel does for a region while it is where it is ---- */

static int reachable(const struct tn_region *r)
{
    return r->enabled && r->live && r->base != TN_ANYWHERE;
}

static void wire_overlay(struct tn_region *r, struct overlay *o)
{
    if (o->slot < 0)
        o->slot = memory_overlay_map(r->space->vm, r->base + o->off, o->va, o->len,
                                     !(o->prot & PROT_WRITE));
}

static void unwire_overlay(struct tn_region *r, struct overlay *o)
{
    if (o->slot >= 0)
        memory_overlay_unmap(r->space->vm, o->slot);
    o->slot = -1;
}

static void wire_eventfd(struct tn_region *r, struct ioeventfd *f, int on)
{
    struct kvm *k = r->space->vm->kvm;
    if (!k || (f->in_kernel != 0) == on)
        return;
    int err = kvm_ioeventfd(k, r->space->kind == TN_SPACE_PIO, r->base + f->off, f->size, f->match,
                            f->data, f->own_fd, on);
    f->in_kernel = on && err == 0;
}

void region_wire(struct tn_region *r)
{
    if (!reachable(r))
        return;
    for (struct overlay *o = r->overlays; o && !r->veiled; o = o->next)
        wire_overlay(r, o);
    for (struct ioeventfd *f = r->eventfds; f; f = f->next)
        wire_eventfd(r, f, 1);
}

void region_unwire(struct tn_region *r)
{
    for (struct overlay *o = r->overlays; o; o = o->next)
        unwire_overlay(r, o);
    for (struct ioeventfd *f = r->eventfds; f; f = f->next)
        wire_eventfd(r, f, 0);
}

/* ---- claims ---- */

static void free_eventfd(struct ioeventfd *f)
{
    close(f->own_fd);
    free(f);
}

static void free_overlay(struct overlay *o)
{
    munmap(o->va, o->len);
    free(o);
}

void region_free_wires(struct tn_region *r)
{
    while (r->overlays) {
        struct overlay *o = r->overlays;
        r->overlays = o->next;
        free_overlay(o);
    }
    while (r->eventfds) {
        struct ioeventfd *f = r->eventfds;
        r->eventfds = f->next;
        free_eventfd(f);
    }
}

/* ---- overlays ---- */

int region_overlay(struct tn_region *r, uint64_t off, uint64_t len, int fd, uint64_t fd_off,
                   uint32_t prot, struct tn_err *e)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    if (!len || off > r->size || len > r->size - off || ((off | len | fd_off) & (page - 1)))
        return err_set(e, EINVAL, "overlay 0x%" PRIx64 "+0x%" PRIx64 " does not fit '%s'", off, len,
                       r->name);
    pthread_mutex_lock(&r->space->lock);
    for (struct overlay *o = r->overlays; o; o = o->next)
        if (off < o->off + o->len && o->off < off + len) {
            pthread_mutex_unlock(&r->space->lock);
            return err_set(e, EBUSY, "overlay 0x%" PRIx64 "+0x%" PRIx64 " of '%s' is taken", off,
                           len, r->name);
        }
    void *va = mmap(NULL, len, (int)prot & (PROT_READ | PROT_WRITE), MAP_SHARED, fd, (off_t)fd_off);
    if (va == MAP_FAILED) {
        int err = errno;
        pthread_mutex_unlock(&r->space->lock);
        return err_set(e, err, "mapping '%s': %s", r->name, strerror(err));
    }
    struct overlay *o = XNEW(struct overlay);
    *o = (struct overlay){r->overlays, off, len, va, prot, -1};
    __atomic_store_n(&r->overlays, o, __ATOMIC_RELEASE);
    if (reachable(r) && !r->veiled)
        wire_overlay(r, o);
    pthread_mutex_unlock(&r->space->lock);
    return 0;
}

int region_overlay_del(struct tn_region *r, uint64_t off, uint64_t len)
{
    int err = -ENOENT;
    pthread_mutex_lock(&r->space->lock);
    for (struct overlay **at = &r->overlays; *at;) {
        struct overlay *o = *at;
        if (o->off < off || o->len > len || o->off - off > len - o->len) {
            at = &o->next;
            continue;
        }
        unwire_overlay(r, o); /* KVM returns when no vCPU can reach the slot */
        __atomic_store_n(at, o->next, __ATOMIC_RELEASE);
        free_overlay(o);
        err = 0;
    }
    pthread_mutex_unlock(&r->space->lock);
    return err;
}

void region_show(struct tn_region *r, uint32_t on)
{
    pthread_mutex_lock(&r->space->lock);
    r->veiled = !on;
    for (struct overlay *o = r->overlays; o; o = o->next)
        if (!on)
            unwire_overlay(r, o);
        else if (reachable(r))
            wire_overlay(r, o);
    pthread_mutex_unlock(&r->space->lock);
}

/* Without KVM, or without a memslot for it, the memory is reached from here. */
int overlay_access(struct tn_region *r, uint64_t off, void *buf, uint32_t size, uint32_t prot)
{
    int hit = 0;
    pthread_mutex_lock(
        &r->space->lock); /* against the unmap, which promises that nobody is in it */
    for (struct overlay *o = r->veiled ? NULL : r->overlays; o && !hit; o = o->next) {
        if (off < o->off || off - o->off > o->len - size || o->len < size || !(o->prot & prot))
            continue;
        uint8_t *at = (uint8_t *)o->va + (off - o->off);
        memcpy(prot & PROT_WRITE ? at : buf, prot & PROT_WRITE ? buf : at, size);
        hit = 1;
    }
    pthread_mutex_unlock(&r->space->lock);
    return hit;
}

/* ---- ioeventfds ---- */

int region_ioeventfd(struct tn_region *r, uint64_t off, uint32_t size, uint32_t match,
                     uint64_t data, int fd)
{
    if (off >= r->size || size > r->size - off || fd < 0 || (size & (size - 1)) || size > 8 ||
        (match && !size))
        return -EINVAL;
    int own_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own_fd < 0)
        return -errno;
    struct ioeventfd *f = XNEW(struct ioeventfd);
    *f = (struct ioeventfd){
        .off = off, .data = data, .size = size, .match = match, .fd = fd, .own_fd = own_fd};
    pthread_mutex_lock(&r->space->lock);
    f->next = r->eventfds;
    __atomic_store_n(&r->eventfds, f, __ATOMIC_RELEASE);
    if (reachable(r))
        wire_eventfd(r, f, 1);
    pthread_mutex_unlock(&r->space->lock);
    return 0;
}

static void free_later(void *p)
{
    epoch_wait();
    free_eventfd(p);
}

int region_ioeventfd_del(struct tn_region *r, uint64_t off, uint32_t size, uint32_t match,
                         uint64_t data, int fd)
{
    int err = -ENOENT;
    pthread_mutex_lock(&r->space->lock);
    for (struct ioeventfd **at = &r->eventfds; *at; at = &(*at)->next) {
        struct ioeventfd *f = *at;
        if (f->off != off || f->size != size || f->match != match || f->data != data || f->fd != fd)
            continue;
        wire_eventfd(r, f, 0);
        __atomic_store_n(at, f->next, __ATOMIC_RELEASE);
        bh_once(r->space->vm->main, NULL, free_later, f); /* a vCPU may be looking at it */
        err = 0;
        break;
    }
    pthread_mutex_unlock(&r->space->lock);
    return err;
}

int ioeventfd_hit(const struct tn_region *r, uint64_t off, uint64_t v, uint32_t size)
{
    for (const struct ioeventfd *f = __atomic_load_n(&r->eventfds, __ATOMIC_ACQUIRE); f;
         f = __atomic_load_n(&f->next, __ATOMIC_ACQUIRE)) {
        if (f->off != off || (f->size && f->size != size) ||
            (f->match && ((f->data ^ v) & ones(size))))
            continue;
        uint64_t one = 1;
        ssize_t n = write(f->own_fd, &one, sizeof one);
        (void)n; /* full: signalled already */
        return 1;
    }
    return 0;
}
