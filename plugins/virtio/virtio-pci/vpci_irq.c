/* SPDX-License-Identifier: BSD-2-Clause */
/* Notifications both ways: MSI-X vectors, the pin with ISR status, call descriptors wired to what
 * is in use, and doorbells that need no exit. */
#include "vpci.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

void vpci_irq_init(struct vpci *p)
{
    pthread_mutex_init(&p->isr_lock, NULL);
    p->config_vector = VIRTIO_NO_VECTOR;
}

int vpci_irq_queues(struct vpci *p)
{
    if (!p->call && !(p->call = calloc(p->vt.nqueues, sizeof *p->call)))
        return -ENOMEM;
    return 0;
}

void vpci_irq_fini(struct vpci *p)
{
    free(p->call);
    pthread_mutex_destroy(&p->isr_lock);
}

/* ---- to the driver ---- */

static void set_isr(struct vpci *p, uint32_t bits, bool pin)
{
    pthread_mutex_lock(&p->isr_lock);
    p->isr |= bits;
    if (pin)
        p->pci->intx(p->dev, 1);
    pthread_mutex_unlock(&p->isr_lock);
}

uint32_t vpci_isr_read(struct vpci *p)
{
    pthread_mutex_lock(&p->isr_lock);
    uint32_t v = p->isr;
    p->isr = 0;
    p->pci->intx(p->dev, 0);
    pthread_mutex_unlock(&p->isr_lock);
    return v;
}

static uint32_t vector_of(const struct vpci *p, uint32_t q)
{
    return __atomic_load_n(&p->vt.q[q].vector, __ATOMIC_RELAXED);
}

void vpci_queue_interrupt(void *t, uint32_t q)
{
    struct vpci *p = t;
    uint32_t vec = vector_of(p, q);
    if (!vpci_msix_on(p))
        set_isr(p, VPCI_ISR_QUEUE, true);
    else if (vec != VIRTIO_NO_VECTOR)
        p->pci->irq(p->dev, vec);
}

/* Drivers that wait for bit 0 only are as old as the interface: both are set. */
void vpci_config_interrupt(void *t)
{
    struct vpci *p = t;
    uint32_t vec = __atomic_load_n(&p->config_vector, __ATOMIC_RELAXED);
    bool msix = vpci_msix_on(p);
    set_isr(p, VPCI_ISR_CONFIG | VPCI_ISR_QUEUE, !msix);
    if (msix && vec != VIRTIO_NO_VECTOR)
        p->pci->irq(p->dev, vec);
}

/* ---- call descriptors ---- */

static void called(void *s, uint32_t ev)
{
    struct vpci_call *c = s;
    uint64_t n;
    (void)ev;
    if (read(c->p->vt.q[c->q].call_fd, &n, sizeof n) == sizeof n)
        vpci_queue_interrupt(c->p, c->q);
}

static bool adopt(struct vpci *p, uint32_t q)
{
    uint32_t vec = vector_of(p, q);
    return vpci_msix_on(p) && vec != VIRTIO_NO_VECTOR &&
           p->pci->irqfd_adopt(p->dev, vec, p->vt.q[q].call_fd, NULL) == 0;
}

/* To the vector of the moment, or to the loop, which knows the rest. */
static void rewire(struct vpci *p, uint32_t q)
{
    struct vpci_call *c = &p->call[q];
    if (!c->watch)
        return;
    p->loop->fd_mask(c->watch, 0);
    if (adopt(p, q)) {
        c->adopted = 1;
        return;
    }
    if (c->adopted)
        p->pci->irqfd_adopt(p->dev, ~0u, p->vt.q[q].call_fd, NULL);
    c->adopted = 0;
    p->loop->fd_mask(c->watch, TN_FD_IN);
}

static void rewire_all(struct vpci *p)
{
    for (uint32_t i = 0; p->call && i < p->vt.nqueues; i++)
        rewire(p, i);
}

int vpci_call_fd(void *t, uint32_t q)
{
    struct vpci *p = t;
    if (vpci_irq_queues(p) < 0)
        return -ENOMEM;
    p->call[q] = (struct vpci_call){.p = p, .q = q};
    p->call[q].watch =
        p->loop->fd(p->dev, NULL, TN_LF_NOLOCK, p->vt.q[q].call_fd, TN_FD_IN, called, &p->call[q]);
    if (!p->call[q].watch)
        return -ENOMEM;
    rewire(p, q);
    return 0;
}

/* ---- vectors ---- */

uint16_t vpci_vector(const struct vpci *p, uint32_t v)
{
    return v < p->nvectors ? (uint16_t)v : VIRTIO_NO_VECTOR;
}

void vpci_set_config_vector(struct vpci *p, uint32_t v)
{
    __atomic_store_n(&p->config_vector, vpci_vector(p, v), __ATOMIC_RELAXED);
}

void vpci_set_queue_vector(struct vpci *p, uint32_t v)
{
    struct vt_queue *q = vt_selected(&p->vt);
    if (!q)
        return;
    __atomic_store_n(&q->vector, vpci_vector(p, v), __ATOMIC_RELAXED);
    if (p->call)
        rewire(p, p->vt.queue_select);
}

void vpci_irq_mode(void *s, uint32_t mode, uint32_t nvec)
{
    struct vpci *p = s;
    (void)nvec;
    __atomic_store_n(&p->msix, mode == TN_IRQ_MSIX, __ATOMIC_RELEASE);
    rewire_all(p);
}

void vpci_irq_reset(struct vpci *p)
{
    vpci_set_config_vector(p, VIRTIO_NO_VECTOR);
    vpci_isr_read(p);
    rewire_all(p);
}

/* The pin follows from what was loaded. */
void vpci_irq_loaded(struct vpci *p)
{
    pthread_mutex_lock(&p->isr_lock);
    p->pci->intx(p->dev, p->isr && !vpci_msix_on(p));
    pthread_mutex_unlock(&p->isr_lock);
    rewire_all(p);
}

/* ---- from the driver ---- */

/* One place where the kernel may watch for the notification of a queue. */
struct door {
    uint32_t bar, size, match;
    uint64_t off, data;
};

static int doors(const struct vpci *p, uint32_t q, struct door *d)
{
    int n = 0;
    if (!vt_has(&p->vt, VIRTIO_F_VERSION_1)) {
        d[n++] = (struct door){VPCI_LEGACY_BAR, 2, 1, VPCI_L_QUEUE_NOTIFY, q};
        return n;
    }
    /* of any width: the kernel need not decode the instruction */
    d[n++] = (struct door){VPCI_BAR, 0, 0, VPCI_NOTIFY_AT + (uint64_t)q * p->notify_step, 0};
    if (vpci_flag(p, VPCI_F_PIO_NOTIFY))
        d[n++] = (struct door){VPCI_PIO_BAR, 2, 1, 0, q};
    return n;
}

bool vpci_doorbell(void *t, uint32_t q, bool on)
{
    struct vpci *p = t;
    struct door d[2];
    int fd = p->vt.q[q].kick_fd, n = doors(p, q, d);
    if (!vpci_flag(p, VPCI_F_IOEVENTFD))
        return false;
    for (int i = 0; i < n; i++) {
        const struct door *at = &d[i];
        if (on)
            p->pci->bar_ioeventfd(p->dev, at->bar, at->off, at->size, at->match, at->data, fd);
        else
            p->pci->bar_ioeventfd_del(p->dev, at->bar, at->off, at->size, at->match, at->data, fd);
    }
    return true;
}
