/* SPDX-License-Identifier: BSD-2-Clause */
#include "bus_drive.h"

struct tn_bus *bus_nth(struct dev *d, uint32_t n)
{
    struct tn_bus_entry *b;
    TAILQ_FOREACH(b, &d->h->parts->buses, link)
    if (b->bus->r.d == d && n-- == 0)
        return b->bus;
    return NULL;
}

const struct tn_class *bus_child_class(const struct check *c, const struct tn_bus *b, uint32_t n)
{
    const struct tn_class *k;
    for (uint32_t i = 0; (k = check_class(c, i)); i++)
        if (k->bus && bus_is(b->type, k->bus) && !(k->flags & TN_C_INTERNAL) && n-- == 0)
            return k;
    return NULL;
}

/* What a transport's bus carries has come with it. */
static int is_transport(const struct check *c)
{
    const struct tn_compose *const *m = c->plugin->composes;
    for (; m && *m; m++)
        if ((*m)->transport && strcmp((*m)->transport, c->cls->name) == 0)
            return 1;
    return 0;
}

struct dev *bus_provider(struct check *c, struct host **h)
{
    if (c->pair || is_transport(c))
        check_skip(c, "a transport and its device come and go together");
    struct dev *d = check_start(c, h);
    if (!bus_nth(d, 0))
        check_skip(c, "it provides no bus");
    return d;
}

struct dev *bus_new_child(struct check *c, struct tn_bus *b, const struct tn_class *cls,
                          struct tn_err *e)
{
    struct dev *x = dev_new(b->h, cls, NULL);
    CHECK(c, x, "init of %s failed though there is memory", cls->name);
    x->want_bus = b;
    if (dev_set_required(x, e) == 0)
        return x;
    dev_free(x);
    return NULL;
}

struct dev *bus_run_child(struct check *c, struct dev *x)
{
    struct tn_err e = {0};
    if (dev_realize(x, &e) < 0) {
        CHECK(c, e.err && e.text[0], "%s is refused without a reason", dev_name(x));
        CHECK(c, !strchr(e.text, '\n'), "%s is refused in more than one line: %s", dev_name(x),
              e.text);
        dev_free(x);
        return NULL;
    }
    dev_reset(x, TN_RESET_COLD);
    dev_resume(x);
    return x;
}

struct dev *bus_add_child(struct check *c, struct tn_bus *b, const struct tn_class *cls,
                          uint32_t hot)
{
    struct tn_err e = {0};
    struct dev *x = bus_new_child(c, b, cls, &e);
    if (!x)
        return NULL;
    x->hotplugged = (int)hot;
    return bus_run_child(c, x);
}
