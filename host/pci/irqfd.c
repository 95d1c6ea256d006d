/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors that raise a vector, lent to the plugin or adopted from it. While the vector is
 * delivered, and there is a kernel for it, the kernel watches the descriptor; else the main loop
 * does, and what comes while masked is pending. */
#include "core/loop.h"
#include "pci_impl.h"
#include "util/alloc.h"
#include "vm/kvm.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Takes what the descriptor has counted: 1 if it was signalled. It may be a blocking one. */
static int take(const struct pci_irqfd *q)
{
    struct pollfd p = {.fd = q->fd, .events = POLLIN};
    uint64_t n;
    return poll(&p, 1, 0) == 1 && (p.revents & POLLIN) && read(q->fd, &n, sizeof n) == sizeof n;
}

static void signalled(void *s, uint32_t ev)
{
    struct pci_irqfd *q = s;
    (void)ev;
    pthread_mutex_lock(&q->f->lock);
    if (q->fd >= 0 && !q->in_kernel && take(q))
        pci_func_notify(q->f, q->vec);
    pthread_mutex_unlock(&q->f->lock);
}

/* ---- who watches ---- */

static int route(struct pci_irqfd *q)
{
    struct kvm *k = q->f->pci->vm->kvm;
    struct pci_msg msg;
    if (!k || q->f->stopped || !__atomic_load_n(&q->f->as.open, __ATOMIC_RELAXED) ||
        !pci_func_message(q->f, q->vec, &msg))
        return 0;
    if (q->gsi < 0 && (q->gsi = kvm_gsi_alloc(k)) < 0)
        return 0; /* all taken: the loop watches */
    kvm_route(k, (uint32_t)q->gsi, msg.addr, msg.data);
    return 1;
}

static void leave_kernel(struct pci_irqfd *q)
{
    if (!q->in_kernel)
        return;
    kvm_irqfd(q->f->pci->vm->kvm, (uint32_t)q->gsi, q->fd, 0);
    q->in_kernel = 0;
    watch_mask(q->watch, TN_FD_IN);
}

static void enter_kernel(struct pci_irqfd *q)
{
    if (q->in_kernel)
        return;
    watch_mask(q->watch, 0);
    q->in_kernel = kvm_irqfd(q->f->pci->vm->kvm, (uint32_t)q->gsi, q->fd, 1) == 0;
    if (!q->in_kernel)
        watch_mask(q->watch, TN_FD_IN);
}

/* Routes first, all at once: committing them costs the kernel a grace period. */
void pci_irqfds_wire(struct pci_func *f)
{
    uint32_t routed = 0;
    for (struct pci_irqfd *q = f->irqfds; q; q = q->next) {
        if (route(q))
            routed = 1;
        else
            leave_kernel(q);
    }
    if (!routed || kvm_routes_commit(f->pci->vm->kvm) < 0)
        return;
    for (struct pci_irqfd *q = f->irqfds; q; q = q->next)
        if (route(q))
            enter_kernel(q);
}

void pci_irqfds_poll(struct pci_func *f, uint32_t vec, uint32_t n)
{
    for (struct pci_irqfd *q = f->irqfds; q; q = q->next)
        if (q->vec - vec < n && !q->in_kernel && take(q))
            pci_func_notify(f, q->vec);
}

/* ---- lending and adopting ---- */

/* The main loop may be on its way into signalled(): what it gets there stays memory, and may be
 * used again. */
static void drop(struct pci_irqfd *q)
{
    leave_kernel(q);
    if (q->gsi >= 0)
        kvm_gsi_free(q->f->pci->vm->kvm, q->gsi);
    watch_del(q->watch);
    if (q->lent)
        close(q->fd);
    q->fd = q->gsi = -1;
    q->next = q->f->spare;
    q->f->spare = q;
}

static struct pci_irqfd *spare(struct pci_func *f)
{
    struct pci_irqfd *q = f->spare;
    if (q)
        f->spare = q->next;
    return q ? q : XNEW(struct pci_irqfd);
}

static struct pci_irqfd *add(struct pci_func *f, uint32_t vec, int fd, uint32_t lent)
{
    struct pci_irqfd *q = spare(f);
    *q = (struct pci_irqfd){.f = f, .fd = fd, .gsi = -1, .vec = vec, .lent = lent};
    q->watch = watch_new(f->pci->vm->main, NULL, 0, fd, TN_FD_IN, signalled, q);
    if (!q->watch) {
        q->fd = -1;
        q->next = f->spare;
        f->spare = q;
        return NULL;
    }
    q->next = f->irqfds;
    f->irqfds = q;
    pci_irqfds_wire(f);
    return q;
}

static struct pci_irqfd *lent_for(const struct pci_func *f, uint32_t vec)
{
    for (struct pci_irqfd *q = f->irqfds; q; q = q->next)
        if (q->lent && q->vec == vec)
            return q;
    return NULL;
}

static int lend(struct pci_func *f, uint32_t vec)
{
    struct pci_irqfd *q = lent_for(f, vec);
    if (q)
        return q->fd;
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    if (add(f, vec, fd, 1))
        return fd;
    close(fd);
    return -ENOMEM;
}

int pci_irqfd_lend(struct pci_func *f, uint32_t vec)
{
    pthread_mutex_lock(&f->lock);
    int fd = vec < f->nvec ? lend(f, vec) : -EINVAL;
    pthread_mutex_unlock(&f->lock);
    return fd;
}

static struct pci_irqfd **find(struct pci_func *f, int fd)
{
    struct pci_irqfd **at = &f->irqfds;
    while (*at && ((*at)->fd != fd || (*at)->lent))
        at = &(*at)->next;
    return at;
}

static int adopt(struct pci_func *f, uint32_t vec, int fd)
{
    struct pci_irqfd **at = find(f, fd), *q = *at;
    if (q && vec == ~0u) {
        *at = q->next;
        drop(q);
        return 0;
    }
    if (!q)
        return vec == ~0u ? -ENOENT : add(f, vec, fd, 0) ? 0 : -ENOTSUP;
    q->vec = vec;
    pci_irqfds_wire(f);
    return 0;
}

int pci_irqfd_adopt(struct pci_func *f, uint32_t vec, int fd, struct tn_err *e)
{
    if (vec != ~0u && vec >= f->nvec)
        return err_set(e, EINVAL, "%s has no vector %u", device_id(f->dev), vec);
    pthread_mutex_lock(&f->lock);
    int err = adopt(f, vec, fd);
    pthread_mutex_unlock(&f->lock);
    return err < 0 ? err_set(e, -err, "%s: descriptor %d for vector %u: %s", device_id(f->dev), fd,
                             vec, strerror(-err))
                   : 0;
}

void pci_irqfds_free(struct pci_func *f)
{
    while (f->irqfds) {
        struct pci_irqfd *q = f->irqfds;
        f->irqfds = q->next;
        drop(q);
    }
    while (f->spare) {
        struct pci_irqfd *q = f->spare;
        f->spare = q->next;
        free(q);
    }
}

int pci_intx_fd(struct pci_func *f, int resample)
{
    struct tn_line *l = pci_func_line(f);
    if (!l)
        return -ENOTSUP;
    if (f->intx_fd < 0)
        f->intx_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (f->intx_fd < 0)
        return -errno;
    int err = irq_line_fd(l, f->intx_fd, resample);
    return err < 0 ? err : f->intx_fd;
}
