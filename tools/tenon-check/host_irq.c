/* SPDX-License-Identifier: BSD-2-Clause */
/* TN_IRQ_1 and TN_INTC_1: wires and messages, recorded. */
#include "parts.h"
#include "services.h"

enum { ISA_LINES = 16, GSI_MAX = 4096 };

void irq_raised(struct host *h)
{
    __atomic_add_fetch(&h->log.irqs, 1, __ATOMIC_RELAXED);
}

static int line_taken(struct dev *d, uint32_t domain, uint32_t n, uint32_t flags)
{
    struct dev *o;
    struct res *r;
    TAILQ_FOREACH(o, &d->h->devs, link)
    TAILQ_FOREACH(r, &o->res, link)
    {
        const struct tn_line *l = (const void *)r;
        if (strcmp(r->kind, "line") == 0 && l->domain == domain && l->n == n &&
            domain != TN_LINE_ANY && !(l->flags & flags & TN_LINE_SHARED))
            return 1;
    }
    return 0;
}

static void line_release(struct res *r)
{
    (void)r;
}

static int irq_line(struct tn_dev *pub, uint32_t domain, uint32_t n, uint32_t flags,
                    struct tn_line **out, struct tn_err *e)
{
    struct dev *d = dev_of(pub);
    enter(d, R_MAIN, "irq->line");
    if (domain < TN_LINE_ISA || domain > TN_LINE_ANY)
        violation("irq.h: TN_LINE_*", "irq->line of domain %u", domain);
    int r = inject_err(d, e, EBUSY, "irq->line");
    if (r < 0)
        return r;
    if ((domain == TN_LINE_ISA && n >= ISA_LINES) || (domain == TN_LINE_GSI && n >= GSI_MAX))
        return err_set(e, EINVAL, "there is no line %u", n);
    if (line_taken(d, domain, n, flags))
        return err_set(e, EBUSY, "line %u has another owner", n);
    struct tn_line *l = res_new(d, "line", sizeof *l, line_release);
    l->domain = domain;
    l->n = n;
    l->flags = flags;
    *out = l;
    return 0;
}

void irq_pulse_check(uint64_t rose_in, const char *what)
{
    uint32_t role;
    uint64_t now = call_serial(&role);
    if (now && now == rose_in && !(role & R_VCPU))
        violation("irq.h: TN_LINE_LEVEL: a level stays until the guest has seen to it",
                  "%s is raised and lowered in one call: nobody sees it", what);
}

void irq_leaving_check(const struct dev *d, const char *what)
{
    if (d->stage == ST_UNREALIZING)
        violation("class.h: quiesce, unrealize: nothing starts", "%s is raised by one that leaves",
                  what);
}

static void raise_line(struct tn_line *l)
{
    uint32_t role;
    uint64_t now = call_serial(&role);
    if (!__atomic_exchange_n(&l->level, 1, __ATOMIC_ACQ_REL)) {
        irq_raised(l->r.d->h);
        __atomic_store_n(&l->rose_in, now, __ATOMIC_RELAXED);
    } else if (__atomic_load_n(&l->rose_in, __ATOMIC_RELAXED) != now) {
        __atomic_add_fetch(&l->again, 1, __ATOMIC_RELAXED);
    }
}

static void lower_line(struct tn_line *l)
{
    int was = (int)__atomic_exchange_n(&l->level, 0, __ATOMIC_ACQ_REL);
    if (was && l->flags & TN_LINE_LEVEL)
        irq_pulse_check(__atomic_load_n(&l->rose_in, __ATOMIC_RELAXED), "a level-triggered line");
    if (was && !call_inside(l->r.d, "reset"))
        __atomic_add_fetch(&l->falls, 1, __ATOMIC_RELAXED);
}

static void irq_set(struct tn_line *l, uint32_t level)
{
    res_check(&l->r, "irq->set");
    enter(l->r.d, R_ANY, "irq->set");
    if (level > 1)
        violation("irq.h: set: level 0 or 1", "irq->set(%u)", level);
    if (!level) {
        lower_line(l);
        return;
    }
    irq_leaving_check(l->r.d, "a line");
    raise_line(l);
}

static int irq_irqfd(struct tn_line *l, int fd, int resample_fd)
{
    res_check(&l->r, "irq->irqfd");
    enter(l->r.d, R_MAIN, "irq->irqfd");
    if (resample_fd >= 0 && (fd < 0 || !(l->flags & TN_LINE_LEVEL)))
        violation("irq.h: irqfd: resample_fd is for level lines",
                  "irq->irqfd(%d, %d) of a line that is %s", fd, resample_fd,
                  l->flags & TN_LINE_LEVEL ? "level-triggered" : "edge-triggered");
    return -ENOTSUP; /* "is normal" */
}

static uint32_t irq_gsi(struct tn_line *l)
{
    res_check(&l->r, "irq->gsi");
    enter(l->r.d, R_ANY, "irq->gsi");
    return l->domain == TN_LINE_ISA && l->n == 0 ? 2 : l->domain == TN_LINE_ANY ? 16 : l->n;
}

const struct tn_irq irq_table = {
    .struct_size = sizeof(struct tn_irq),
    .line = irq_line,
    .set = irq_set,
    .irqfd = irq_irqfd,
    .gsi = irq_gsi,
};

/* ---- controllers ---- */

static void intc_release(struct res *r)
{
    (void)r;
}

static int intc_attach(struct tn_dev *pub, uint32_t gsi_base, uint32_t n,
                       const struct tn_intc_ops *o, void *s, struct tn_err *e)
{
    struct dev *d = dev_of(pub);
    enter_realize(d, "intc->attach");
    if (!n || gsi_base + n > GSI_MAX || !o || !o->pin || !(d->pub.cls->flags & TN_C_THREADSAFE))
        violation("intc.h: attach",
                  "intc->attach of %u pins at %u: pins, a pin() and TN_C_THREADSAFE are needed", n,
                  gsi_base);
    int r = inject_err(d, e, EBUSY, "intc->attach");
    if (r < 0)
        return r;
    struct intc *i = res_new(d, "interrupt controller", sizeof *i, intc_release);
    i->ops = *o;
    i->s = s;
    i->gsi_base = gsi_base;
    i->n = n;
    return 0;
}

static struct intc *intc_of(struct dev *d)
{
    struct res *r;
    TAILQ_FOREACH(r, &d->res, link)
    if (strcmp(r->kind, "interrupt controller") == 0)
        return (void *)r;
    return NULL;
}

struct intc *host_intc(struct host *h)
{
    struct dev *d;
    TAILQ_FOREACH(d, &h->devs, link)
    if (intc_of(d))
        return intc_of(d);
    return NULL;
}

static void enter_intc(struct dev *d, const char *what)
{
    enter(d, R_ANY | R_LEAF, what);
    if (!intc_of(d))
        violation("intc.h: attach", "%s of a device that is no controller", what);
}

static int intc_route_msi(struct tn_dev *pub, uint32_t gsi, uint64_t addr, uint32_t data,
                          uint32_t masked)
{
    struct dev *d = dev_of(pub);
    (void)addr, (void)data, (void)masked;
    enter_intc(d, "intc->route_msi");
    const struct intc *i = intc_of(d);
    if (gsi < i->gsi_base || gsi >= i->gsi_base + i->n)
        violation("intc.h: route_msi", "intc->route_msi of GSI %u, which is not of this controller",
                  gsi);
    return 0;
}

static int intc_commit(struct tn_dev *pub)
{
    enter_intc(dev_of(pub), "intc->commit");
    return 0;
}

static int intc_inject(struct tn_dev *pub, uint64_t addr, uint32_t data)
{
    struct dev *d = dev_of(pub);
    (void)addr, (void)data;
    enter_intc(d, "intc->inject");
    irq_raised(d->h);
    return 1;
}

static void intc_eoi_of(struct tn_dev *pub, uint32_t gsi)
{
    (void)gsi;
    enter_intc(dev_of(pub), "intc->eoi_of");
}

static void intc_extint(struct tn_dev *pub, uint32_t level)
{
    (void)level;
    enter_intc(dev_of(pub), "intc->extint");
}

const struct tn_intc intc_table = {
    .struct_size = sizeof(struct tn_intc),
    .attach = intc_attach,
    .route_msi = intc_route_msi,
    .commit = intc_commit,
    .inject = intc_inject,
    .eoi_of = intc_eoi_of,
    .extint = intc_extint,
};
