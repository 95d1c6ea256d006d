/* SPDX-License-Identifier: BSD-2-Clause */
/* Buses: those of the machine, and those that plugins provide. bus.h gives the order: check,
 * attach, realize, plugged, ..., unrealize, detach. */
#include "parts.h"
#include "services.h"
#include "stand_bus.h"

int bus_is(const struct tn_bus_type *t, const char *name)
{
    if (strcmp(t->name, name) == 0)
        return 1;
    for (const char *const *b = t->is_a; b && *b; b++)
        if (strcmp(*b, name) == 0)
            return 1;
    return 0;
}

static void bus_release(struct res *r)
{
    struct tn_bus_entry *b;
    struct tn_bus *bus = (void *)r;
    if (bus->children)
        violation("bus.h", "the bus '%s' goes with %u devices on it", bus->name, bus->children);
    TAILQ_FOREACH(b, &r->d->h->parts->buses, link)
    if (b->bus == bus)
        break;
    TAILQ_REMOVE(&r->d->h->parts->buses, b, link);
    free(b);
}

struct tn_bus *bus_new(struct host *h, struct dev *provider, const struct tn_bus_type *t,
                       const char *name, const void *port_ops, void *self)
{
    struct tn_bus *b =
        provider ? res_new(provider, "bus", sizeof *b, bus_release) : XNEW(struct tn_bus);
    struct tn_bus_entry *entry = XNEW(struct tn_bus_entry);
    b->type = t;
    b->name = name ? name : t->name;
    b->port_ops = port_ops;
    b->self = self;
    b->h = h;
    entry->bus = b;
    TAILQ_INSERT_TAIL(&h->parts->buses, entry, link);
    return b;
}

static int is_full(const struct tn_bus *b)
{
    return b->type->max_children && b->children >= b->type->max_children;
}

static struct tn_bus *bus_free_one(struct host *h, const char *type, const struct dev *not_of)
{
    struct tn_bus_entry *b;
    TAILQ_FOREACH(b, &h->parts->buses, link)
    if (bus_is(b->bus->type, type) && b->bus->r.d != not_of && !is_full(b->bus))
        return b->bus;
    return NULL;
}

/* A class of the plugins that makes such a bus in its realize: tried, one after the other. */
static struct tn_bus *provider(struct dev *d, const char *type)
{
    const struct tn_class *c;
    for (uint32_t i = 0; (c = check_class(d->h->c, i)); i++) {
        struct tn_err e = {0};
        if (c == d->pub.cls || (c->bus && strcmp(c->bus, type) == 0))
            continue;
        struct dev *x = dev_new(d->h, c, NULL);
        if (x && dev_set_required(x, &e) == 0 && dev_realize(x, &e) == 0 &&
            bus_free_one(d->h, type, NULL))
            return bus_free_one(d->h, type, NULL);
        if (x)
            dev_free(x);
    }
    return NULL;
}

static struct tn_bus *bus_for(struct dev *d)
{
    const char *type = d->pub.cls->bus;
    struct tn_bus *b = d->want_bus ? d->want_bus : bus_free_one(d->h, type, d);
    if (!b)
        b = stand_bus(d->h, type);
    return b ? b : provider(d, type);
}

struct tn_bus *bus_below(struct dev *d, const char *type)
{
    struct tn_bus_entry *b;
    TAILQ_FOREACH(b, &d->h->parts->buses, link)
    if (b->bus->r.d == d && bus_is(b->bus->type, type))
        return b->bus;
    return NULL;
}

void bus_child_data(struct dev *d, const struct tn_bus_type *t)
{
    struct prop_rows rows = {t->props, t->nprops, t->prop_stride};
    if (d->child || !t->child_size)
        return;
    d->child = xcalloc(1, t->child_size);
    props_default(rows, d->child);
}

/* A failure is one with a reason. */
static int reasoned(int r, const struct tn_err *e, const char *what)
{
    if (r > 0 || r < -4095)
        violation("bus.h: struct tn_bus_type", "%s of a bus answered %d", what, r);
    if (r < 0 && !e->err)
        violation("docs/abi.md: Errors", "%s of a bus answered %d and did not fill e", what, r);
    return r;
}

/* The machine's own buses have no device that provides them: their functions are this host's and
 * run as they are. */
static int ask(struct dev *d, const char *what,
               int (*fn)(void *, void *, struct tn_dev *, const void *, struct tn_err *),
               struct tn_err *e)
{
    struct dev *owner = d->bus->r.d;
    int r = 0;
    if (!fn)
        return 0;
    if (!owner)
        return fn(d->bus->self, d->child, &d->pub, d->pub.cls->bus_ops, e);
    CALL(owner, R_MAIN | R_DEV, what,
         r = fn(d->bus->self, d->child, &d->pub, d->pub.cls->bus_ops, e));
    return reasoned(r, e, what);
}

static int attach(struct dev *d, struct tn_err *e)
{
    const struct tn_bus_type *t = d->bus->type;
    struct dev *owner = d->bus->r.d;
    int r = 0;
    d->port_ops = d->bus->port_ops;
    d->port = t->child_size ? d->child : d->bus->self;
    if (t->flags & TN_BUS_ONE_DOMAIN && owner)
        domain_join(d, owner);
    if (t->attach && owner)
        CALL(owner, R_MAIN | R_DEV, "attach",
             r = t->attach(d->bus->self, d->child, &d->pub, d->pub.cls->bus_ops, d->pub.self, e));
    else if (t->attach)
        r = t->attach(d->bus->self, d->child, &d->pub, d->pub.cls->bus_ops, d->pub.self, e);
    return owner ? reasoned(r, e, "attach") : r;
}

int bus_enter(struct dev *d, struct tn_err *e)
{
    if (!d->pub.cls->bus)
        return 0;
    d->bus = bus_for(d);
    if (!d->bus)
        return err_set(
            e, ENOENT,
            "there is no bus '%s': the test host has none, and no class of the plugin makes one",
            d->pub.cls->bus);
    if (d->want_bus && is_full(d->bus))
        return err_set(e, EBUSY, "the bus '%s' is full", d->bus->name);
    bus_child_data(d, d->bus->type);
    int r = ask(d, "check", d->bus->type->check, e);
    if (r < 0)
        return r;
    d->checked = 1;
    d->bus->children++;
    return attach(d, e);
}

int bus_plugged(struct dev *d, struct tn_err *e)
{
    struct dev *owner = d->bus ? d->bus->r.d : NULL;
    int r = 0;
    if (!d->bus || !d->bus->type->plugged)
        return 0;
    if (!owner)
        return d->bus->type->plugged(d->bus->self, d->child, e);
    CALL(owner, R_MAIN | R_DEV, "plugged", r = d->bus->type->plugged(d->bus->self, d->child, e));
    return reasoned(r, e, "plugged");
}

void bus_leave(struct dev *d)
{
    struct dev *owner = d->bus ? d->bus->r.d : NULL;
    if (!d->bus || !d->checked)
        return;
    d->checked = 0;
    d->bus->children--;
    if (!d->bus->type->detach)
        return;
    if (owner)
        CALL(owner, R_MAIN | R_DEV, "detach", d->bus->type->detach(d->bus->self, d->child));
    else
        d->bus->type->detach(d->bus->self, d->child);
}
