/* SPDX-License-Identifier: BSD-2-Clause */
#include "irq.h"

#include "core/epoch.h"
#include "core/loop.h"
#include "core/trace_point.h"
#include "kvm.h"
#include "memory.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tn_line {
    struct managed m;
    struct irqs *irqs;
    uint32_t gsi, flags, level;
    struct tn_line *next;     /* on its wire */
    struct tn_watch *trigger; /* irqfd(): a signal asserts */
    struct tn_bh *ended;      /* irqfd(): the guest has ended the interrupt */
    int fd, resample;         /* -1 = none */
};
struct wire {
    pthread_mutex_t lock; /* leaf, above the controller's own: keeps levels in order */
    struct tn_line *lines;
    uint32_t level; /* lines that are high */
    const struct tn_intc_ops *ops;
    void *s;
    uint32_t pin;
    uint64_t raised; /* times that it went up; atomic */
};
/* A controller's claim to its pins. */
struct intc {
    struct managed m;
    struct irqs *irqs;
    const struct tn_intc_ops *ops;
    void *s;
    uint32_t base, n;
    struct intc *next;
};
struct irqs {
    struct vm *vm;
    struct wire wire[IRQ_GSIS];
    struct intc *intc; /* read by vCPUs */
    void (*spy)(void *, uint32_t, uint32_t);
    void *spy_o;
};

struct irqs *irqs_new(struct vm *vm)
{
    struct irqs *q = XNEW(struct irqs);
    q->vm = vm;
    for (uint32_t i = 0; i < IRQ_GSIS; i++)
        pthread_mutex_init(&q->wire[i].lock, NULL);
    return q;
}

void irqs_free(struct irqs *q)
{
    if (!q)
        return;
    for (uint32_t i = 0; i < IRQ_GSIS; i++)
        pthread_mutex_destroy(&q->wire[i].lock);
    free(q);
}

int irq_any_line(const struct vm *vm)
{
    for (uint32_t i = 0; i < IRQ_GSIS; i++)
        if (vm->irqs->wire[i].lines)
            return 1;
    return 0;
}

uint32_t irq_isa_gsi(uint32_t n)
{
    return n == 0 ? 2 : n;
}

static struct irq_use use_of(const struct irqs *q, const struct tn_line *l)
{
    struct irq_use u = {l->gsi, l->flags, l->level, l->m.dev, NULL, 0};
    for (const struct intc *c = q->intc; c; c = c->next)
        if (l->gsi >= c->base && l->gsi - c->base < c->n) {
            u.intc = c->m.dev;
            u.pin = l->gsi - c->base;
        }
    return u;
}

int irq_each(struct vm *vm, int (*fn)(void *o, const struct irq_use *u), void *o)
{
    int x = 0;
    for (uint32_t i = 0; vm->irqs && i < IRQ_GSIS; i++)
        for (const struct tn_line *l = vm->irqs->wire[i].lines; l && !x; l = l->next) {
            struct irq_use u = use_of(vm->irqs, l);
            x = fn(o, &u);
        }
    return x;
}

/* ---- lines ---- */

static void tell(struct irqs *q, uint32_t gsi, uint32_t level)
{
    struct wire *w = &q->wire[gsi];
    trace_host(q->vm, TRACE_IRQ_LINE, NULL, gsi, level);
    if (level)
        __atomic_add_fetch(&w->raised, 1, __ATOMIC_RELAXED);
    if (w->ops)
        w->ops->pin(w->s, w->pin, level);
    if (q->spy)
        q->spy(q->spy_o, gsi, level);
}

void irq_set(struct tn_line *l, uint32_t level)
{
    struct wire *w = &l->irqs->wire[l->gsi];
    level = level != 0;
    pthread_mutex_lock(&w->lock);
    if (l->level != level) {
        uint32_t before = w->level;
        l->level = level;
        w->level += level ? 1u : ~0u;
        if (!before != !w->level)
            tell(l->irqs, l->gsi, w->level != 0);
    }
    pthread_mutex_unlock(&w->lock);
}

uint32_t irq_gsi(struct tn_line *l)
{
    return l->gsi;
}

uint32_t irq_flags(const struct tn_line *l)
{
    return l->flags;
}

static const char *taken_by(const struct wire *w, uint32_t flags)
{
    for (const struct tn_line *l = w->lines; l; l = l->next)
        if (!(l->flags & TN_LINE_SHARED) || !(flags & TN_LINE_SHARED))
            return l->m.dev ? device_id(l->m.dev) : "the machine";
    return NULL;
}

static void release_line(struct managed *m)
{
    irq_line_free((struct tn_line *)m);
}

struct tn_line *irq_line_new(struct vm *vm, struct device *d, uint32_t gsi, uint32_t flags,
                             struct tn_err *e)
{
    if (gsi >= IRQ_GSIS) {
        err_set(e, EINVAL, "interrupt %u does not exist: there are %u", gsi, IRQ_GSIS);
        return NULL;
    }
    struct wire *w = &vm->irqs->wire[gsi];
    const char *other = taken_by(w, flags);
    if (other) {
        err_set(e, EBUSY, "interrupt %u is taken by %s", gsi, other);
        return NULL;
    }
    struct tn_line *l = XNEW(struct tn_line);
    *l = (struct tn_line){.m.release = release_line,
                          .irqs = vm->irqs,
                          .gsi = gsi,
                          .flags = flags,
                          .fd = -1,
                          .resample = -1};
    pthread_mutex_lock(&w->lock);
    l->next = w->lines;
    __atomic_store_n(&w->lines, l, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&w->lock);
    managed_add(d, &l->m);
    return l;
}

static void unwatch(struct tn_line *l)
{
    struct tn_bh *ended = __atomic_exchange_n(&l->ended, NULL, __ATOMIC_ACQ_REL);
    if (l->trigger)
        watch_del(l->trigger);
    l->trigger = NULL;
    if (!ended)
        return;
    epoch_wait(); /* a vCPU may be about to kick it, on its way out of an EOI */
    bh_del(ended);
}

void irq_line_free(struct tn_line *l)
{
    struct wire *w = &l->irqs->wire[l->gsi];
    managed_del(&l->m);
    irq_set(l, 0);
    unwatch(l);
    pthread_mutex_lock(&w->lock);
    for (struct tn_line **at = &w->lines; *at; at = &(*at)->next)
        if (*at == l) {
            __atomic_store_n(at, l->next, __ATOMIC_RELEASE);
            break;
        }
    pthread_mutex_unlock(&w->lock);
    epoch_wait(); /* a vCPU may be looking at it on its way out of an EOI */
    free(l);
}

void irq_repeat(struct vm *vm)
{
    for (uint32_t i = 0; i < IRQ_GSIS; i++) {
        struct wire *w = &vm->irqs->wire[i];
        pthread_mutex_lock(&w->lock);
        if (w->ops)
            w->ops->pin(w->s, w->pin, w->level != 0);
        pthread_mutex_unlock(&w->lock);
    }
}

void irq_intercept(struct vm *vm, void (*fn)(void *o, uint32_t gsi, uint32_t level), void *o)
{
    vm->irqs->spy_o = o;
    vm->irqs->spy = fn;
}

uint64_t irq_raised(const struct vm *vm, uint32_t gsi)
{
    return __atomic_load_n(&vm->irqs->wire[gsi].raised, __ATOMIC_RELAXED);
}

/* ---- messages ---- */

int irq_msi(struct vm *vm, uint64_t addr, uint32_t data)
{
    trace_host(vm, TRACE_IRQ_MESSAGE, NULL, addr, data);
    if (vm->kvm)
        return kvm_signal_msi(vm->kvm, addr, data);
    uint8_t bytes[4];
    put_le32(bytes, data);
    return memory_write(vm, addr, bytes, sizeof bytes) == 0;
}

void irq_eoi(struct vm *vm, uint32_t vector)
{
    struct reader *me = reader_self();
    reader_enter(me);
    for (const struct intc *c = __atomic_load_n(&vm->irqs->intc, __ATOMIC_ACQUIRE); c;
         c = __atomic_load_n(&c->next, __ATOMIC_ACQUIRE))
        if (c->ops->eoi)
            c->ops->eoi(c->s, vector);
    reader_leave(me);
}

/* ---- TN_IRQ_1 ---- */

static int t_line(struct tn_dev *d, uint32_t domain, uint32_t n, uint32_t flags,
                  struct tn_line **out, struct tn_err *e)
{
    struct device *dev = device_of(d);
    if (domain == TN_LINE_ISA && n > 15)
        return err_set(e, EINVAL, "ISA interrupt %u does not exist: there are 16", n);
    if (domain == TN_LINE_SPI)
        return err_set(e, EINVAL, "this machine has no shared peripheral interrupts");
    if (domain < TN_LINE_ISA || domain > TN_LINE_ANY)
        return err_set(e, EINVAL, "interrupt lines of kind %u do not exist", domain);
    uint32_t gsi = domain == TN_LINE_ISA ? irq_isa_gsi(n) : n;
    if (domain == TN_LINE_ANY)
        for (gsi = IRQ_GSIS - 1; gsi > 15 && taken_by(&dev->vm->irqs->wire[gsi], flags); gsi--)
            ;
    if (domain == TN_LINE_ANY && gsi <= 15)
        return err_set(e, EBUSY, "no interrupt is free");
    *out = irq_line_new(dev->vm, dev, gsi, flags, e);
    return *out ? 0 : e ? -e->err : -EBUSY;
}

/* With a split irqchip the kernel cannot assert a level pin for us: our own loop does, and the EOI
 * comes back to it. */
static void triggered(void *p, uint32_t ev)
{
    struct tn_line *l = p;
    uint64_t n;
    (void)ev;
    if (read(l->fd, &n, sizeof n) == sizeof n)
        irq_set(l, 1);
    if (!(l->flags & TN_LINE_LEVEL))
        irq_set(l, 0);
}

static void ended(void *p)
{
    struct tn_line *l = p;
    uint64_t one = 1;
    irq_set(l, 0);
    ssize_t r = l->resample >= 0 ? write(l->resample, &one, sizeof one) : 0;
    (void)r; /* full: signalled already */
}

int irq_line_fd(struct tn_line *l, int fd, int resample_fd)
{
    unwatch(l);
    irq_set(l, 0);
    if (fd < 0)
        return 0;
    l->fd = fd;
    l->resample = resample_fd;
    __atomic_store_n(&l->ended, bh_new(l->irqs->vm->main, NULL, 0, ended, l), __ATOMIC_RELEASE);
    l->trigger = watch_new(l->irqs->vm->main, NULL, 0, fd, TN_FD_IN, triggered, l);
    if (l->trigger)
        return 0;
    unwatch(l);
    return -ENOTSUP;
}

const struct tn_irq irq_table = {.struct_size = sizeof(struct tn_irq),
                                 .rev = 1,
                                 .line = t_line,
                                 .set = irq_set,
                                 .irqfd = irq_line_fd,
                                 .gsi = irq_gsi};

/* ---- TN_INTC_1 ---- */

/* ops NULL: nobody is behind them any more. */
static void set_pins(const struct intc *c, const struct tn_intc_ops *ops)
{
    for (uint32_t i = 0; i < c->n; i++) {
        struct wire *w = &c->irqs->wire[c->base + i];
        pthread_mutex_lock(&w->lock);
        w->ops = ops;
        w->s = c->s;
        w->pin = i;
        pthread_mutex_unlock(&w->lock);
    }
}

static void release_intc(struct managed *m)
{
    struct intc *c = (struct intc *)m;
    managed_del(m);
    set_pins(c, NULL);
    struct intc **at = &c->irqs->intc;
    while (*at != c)
        at = &(*at)->next;
    __atomic_store_n(at, c->next, __ATOMIC_RELEASE);
    epoch_wait();
    free(c);
}

static int t_attach(struct tn_dev *d, uint32_t gsi_base, uint32_t n, const struct tn_intc_ops *o,
                    void *s, struct tn_err *e)
{
    struct irqs *q = device_of(d)->vm->irqs;
    if (!n || n > IRQ_GSIS || gsi_base > IRQ_GSIS - n)
        return err_set(e, EINVAL, "GSIs %u to %u do not exist: there are %u", gsi_base,
                       gsi_base + n - 1, IRQ_GSIS);
    for (uint32_t i = 0; i < n; i++)
        if (q->wire[gsi_base + i].ops)
            return err_set(e, EBUSY, "GSI %u has an interrupt controller", gsi_base + i);
    struct intc *c = XNEW(struct intc);
    *c = (struct intc){.m.release = release_intc,
                       .irqs = q,
                       .ops = o,
                       .s = s,
                       .base = gsi_base,
                       .n = n,
                       .next = q->intc};
    set_pins(c, o);
    __atomic_store_n(&q->intc, c, __ATOMIC_RELEASE);
    managed_add(device_of(d), &c->m);
    return 0;
}

static int t_route_msi(struct tn_dev *d, uint32_t gsi, uint64_t addr, uint32_t data,
                       uint32_t masked)
{
    struct vm *vm = device_of(d)->vm;
    if (gsi >= IRQ_IOAPIC_PINS)
        return -EINVAL;
    (void)masked; /* the route stays: KVM reports the EOI of a vector only while a route names it,
                     and guests mask a level pin before they end its interrupt. Nothing is injected
                     through it: pins are messages of the plugin */
    trace_host(vm, TRACE_IRQ_ROUTE, NULL, gsi, addr, data);
    if (vm->kvm)
        kvm_route(vm->kvm, gsi, addr, data);
    return 0;
}

static int t_commit(struct tn_dev *d)
{
    struct vm *vm = device_of(d)->vm;
    return vm->kvm ? kvm_routes_commit(vm->kvm) : 0;
}

static int t_inject(struct tn_dev *d, uint64_t addr, uint32_t data)
{
    return irq_msi(device_of(d)->vm, addr, data);
}

/* Called with the controller's leaf lock held, so no wire's may be taken: the loop lets the line
 * go. */
static void t_eoi_of(struct tn_dev *d, uint32_t gsi)
{
    struct irqs *q = device_of(d)->vm->irqs;
    if (gsi >= IRQ_GSIS)
        return;
    for (struct tn_line *l = __atomic_load_n(&q->wire[gsi].lines, __ATOMIC_ACQUIRE); l;
         l = __atomic_load_n(&l->next, __ATOMIC_ACQUIRE)) {
        struct tn_bh *b = __atomic_load_n(&l->ended, __ATOMIC_ACQUIRE);
        if (b)
            bh_kick(b);
    }
}

static void t_extint(struct tn_dev *d, uint32_t level)
{
    (void)d;
    (void)level; /* no machine of this host has an 8259 */
}

const struct tn_intc intc_table = {
    .struct_size = sizeof(struct tn_intc),
    .rev = 1,
    .attach = t_attach,
    .route_msi = t_route_msi,
    .commit = t_commit,
    .inject = t_inject,
    .eoi_of = t_eoi_of,
    .extint = t_extint,
};
