/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of an instance, in the order of docs/abi.md and in no other. */
#include "host_dma.h"
#include "host_pci.h"
#include "stand_virtio.h"

uint32_t host_patience(const struct host *h)
{
    return h->c->o->timeout_s * 500;
}

static struct domain *domain_new(void)
{
    struct domain *m = XNEW(struct domain);
    pthread_mutex_init(&m->lock, NULL);
    m->refs = 1;
    return m;
}

void domain_join(struct dev *d, struct dev *other)
{
    other->domain->refs++;
    if (--d->domain->refs == 0)
        free(d->domain);
    d->domain = other->domain;
}

const char *dev_name(const struct dev *d)
{
    return d->pub.cls->name;
}

void *dev_self(const struct dev *d)
{
    return d->pub.self;
}

static void result_range(int r, const char *what)
{
    if (r > TN_PENDING || r < -4095)
        violation("docs/abi.md: Errors",
                  "%s answered %d: neither 0, nor TN_PENDING, nor a negative errno value", what, r);
}

/* A failure is one with a reason, 0 is 0. */
static int checked(int r, const struct tn_err *e, const char *what)
{
    result_range(r, what);
    if (r < 0 && !e->err)
        violation("docs/abi.md: Errors", "%s answered %d and did not fill e", what, r);
    return r;
}

static int init(struct dev *d)
{
    const struct tn_class *cls = d->pub.cls;
    int r = 0;
    if (cls->init)
        CALL(d, R_MAIN, "init", r = cls->init(d->pub.self, &d->pub));
    if (r != 0 && r != -ENOMEM)
        violation("class.h: init answers 0 or -ENOMEM", "init answered %d", r);
    if (!TAILQ_EMPTY(&d->res))
        violation("class.h: init takes no host resource", "init took a %s",
                  TAILQ_FIRST(&d->res)->kind);
    return r;
}

static void discard(struct dev *d)
{
    struct host *h = d->h;
    TAILQ_REMOVE(&h->devs, d, link);
    d->stage = ST_GONE;
    d->magic = 0;
    props_free(d);
    free(d->required_set);
    pci_free(d);
    guard_poison(d->pub.self, d->pub.cls->instance_size);
    if (--d->domain->refs == 0)
        free(d->domain);
    TAILQ_INSERT_TAIL(&h->gone, d, link);
}

struct dev *dev_new(struct host *h, const struct tn_class *cls, const char *id)
{
    struct dev *d = XNEW(struct dev);
    d->pub = (struct tn_dev){&h->pub, &core_table, cls, guard_alloc(cls->instance_size)};
    d->magic = DEV_MAGIC;
    d->h = h;
    d->domain = domain_new();
    d->home = &h->main;
    TAILQ_INIT(&d->res);
    if (id)
        snprintf(d->id, sizeof d->id, "%s", id);
    else
        snprintf(d->id, sizeof d->id, "%.40s-%u", cls->name, ++h->parts->stamp);
    d->required_set = xcalloc(class_props(cls).n + 1, 1);
    props_default(class_props(cls), d->pub.self);
    TAILQ_INSERT_TAIL(&h->devs, d, link);
    if (init(d) < 0) {
        discard(d);
        return NULL;
    }
    return d;
}

struct dev *dev_compose(struct dev *d, const struct pair *p)
{
    d->inner = dev_new(d->h, p->child, NULL);
    if (!d->inner)
        return NULL;
    d->inner->outer = d;
    d->inner_bus = p->how->inner_bus;
    return d->inner;
}

/* ---- realize ---- */

static int required(struct dev *d, struct tn_err *e)
{
    struct prop_rows t = class_props(d->pub.cls);
    for (uint32_t i = 0; i < t.n; i++)
        if (prop_row(t, i)->flags & TN_PF_REQUIRED && !d->required_set[i])
            return err_set(e, ENOENT, "property '%s' is required and not set",
                           prop_row(t, i)->name);
    return 0;
}

static int settled(void *o)
{
    return !((struct dev *)o)->pending;
}

/* Waits for what was TN_PENDING. */
static int pending(struct dev *d, const char *what)
{
    uint32_t ms = host_patience(d->h);
    if (!host_wait(d->h, ms, settled, d))
        violation("base.h: TN_PENDING", "%s answered TN_PENDING and no completion came in %u ms",
                  what, ms);
    return d->pending_err;
}

static int realize_said(struct dev *d, int r, const char *what)
{
    if (d->h->null_err && r < 0 && !d->err.err)
        err_set(&d->err, -r, "it said nothing, having no e to fill");
    return checked(r, &d->err, what);
}

static int call_realize(struct dev *d, struct tn_err *e)
{
    const struct tn_class *cls = d->pub.cls;
    int r = 0;
    d->err = (struct tn_err){0};
    d->pending = 1; /* realized() may come from another thread before we look */
    if (cls->realize)
        CALL(d, R_MAIN | R_DEV, "realize",
             r = cls->realize(d->pub.self, d->h->null_err ? NULL : &d->err));
    r = realize_said(d, r, "realize");
    if (r == TN_PENDING)
        r = realize_said(d, pending(d, "realize"), "realized");
    d->pending = 0;
    if (r < 0 && e)
        *e = d->err;
    return r;
}

static void release_all(struct dev *d)
{
    struct res *r;
    while ((r = TAILQ_LAST(&d->res, reslist)))
        res_drop(r);
}

static void call_unrealize(struct dev *d)
{
    d->stage = ST_UNREALIZING;
    if (d->pub.cls->unrealize)
        CALL(d, R_MAIN, "unrealize", d->pub.cls->unrealize(d->pub.self));
}

/* The device of a pair, on the bus that its transport has made. */
static int realize_inner(struct dev *d, struct tn_err *e)
{
    d->inner->want_bus = bus_below(d, d->inner_bus);
    if (!d->inner->want_bus)
        violation("plugin.h: inner_bus: the bus type that it creates in realize",
                  "realize of %s made no bus '%s'", dev_name(d), d->inner_bus);
    return dev_realize(d->inner, e);
}

/* "the parent realizes, then attach, child, plugged": until then the parent may declare. Who was
 * realized and cannot stay is unrealized. */
static int realize_on_bus(struct dev *d, struct tn_err *e)
{
    int r = bus_enter(d, e);
    if (r == 0)
        r = call_realize(d, e);
    if (r < 0)
        return r;
    r = d->inner ? realize_inner(d, e) : 0;
    if (r == 0)
        r = bus_plugged(d, e);
    if (r < 0)
        call_unrealize(d);
    return r;
}

int dev_realize(struct dev *d, struct tn_err *e)
{
    struct tn_err own = {0};
    e = e ? e : &own;
    int r = required(d, e);
    if (r < 0)
        return r;
    d->stage = ST_REALIZING;
    r = realize_on_bus(d, e);
    if (r < 0) {
        d->stage = ST_NEW;
        release_all(d);
        bus_leave(d);
        return r;
    }
    d->stage = ST_REALIZED;
    if (d->pci)
        pci_ready(d);
    return 0;
}

/* ---- running ---- */

static void reset_phase(struct dev *d, uint32_t kind, uint32_t phase)
{
    if (d->pub.cls->reset)
        CALL(d, R_MAIN | R_DEV, "reset", d->pub.cls->reset(d->pub.self, kind, phase));
}

void dev_reset(struct dev *d, uint32_t kind)
{
    if (d->pci)
        pci_reset(d);
    for (uint32_t phase = TN_RESET_ENTER; phase <= TN_RESET_EXIT; phase++) {
        reset_phase(d, kind, phase);
        if (d->inner)
            reset_phase(d->inner, kind, phase);
    }
}

/* "resume from child to parent" */
void dev_resume(struct dev *d)
{
    if (d->inner)
        dev_resume(d->inner);
    d->stage = ST_RUNNING;
    d->h->parts->running++;
    if (d->pub.cls->resume)
        CALL(d, R_MAIN | R_DEV, "resume", d->pub.cls->resume(d->pub.self));
    if (vport_on_bus(d))
        vport_resume(vport_on_bus(d));
    d->h->seal = 1;
}

/* "quiesce goes from parent to child" */
int dev_quiesce(struct dev *d, uint32_t why)
{
    const struct tn_class *cls = d->pub.cls;
    int r = 0;
    d->h->parts->running -= d->stage == ST_RUNNING;
    d->stage = ST_QUIESCING;
    if (vport_on_bus(d))
        vport_quiesce(vport_on_bus(d)); /* from parent to child */
    d->pending = 1;
    if (cls->quiesce)
        CALL(d, R_MAIN | R_DEV, "quiesce", r = cls->quiesce(d->pub.self, why, 0));
    result_range(r, "quiesce");
    if (r == TN_PENDING)
        r = pending(d, "quiesce");
    d->pending = 0;
    d->stage = ST_QUIET;
    if (r == 0)
        as_left(d);
    return r == 0 && d->inner ? dev_quiesce(d->inner, why) : r;
}

void dev_free(struct dev *d)
{
    const struct tn_class *cls = d->pub.cls;
    if (d->stage == ST_RUNNING)
        dev_quiesce(d, TN_Q_UNPLUG);
    if (d->inner)
        dev_free(d->inner);
    if (d->outer)
        d->outer->inner = NULL;
    int was = d->stage;
    if (was != ST_NEW)
        call_unrealize(d);
    d->stage = ST_UNREALIZING;
    release_all(d);
    if (was != ST_NEW)
        bus_leave(d);
    if (cls->fini)
        CALL(d, R_MAIN, "fini", cls->fini(d->pub.self));
    if (!TAILQ_EMPTY(&d->res))
        violation("class.h: fini", "fini took a %s", TAILQ_FIRST(&d->res)->kind);
    discard(d);
}
