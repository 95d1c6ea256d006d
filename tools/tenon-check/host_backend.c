/* SPDX-License-Identifier: BSD-2-Clause */
/* What stands in for the back ends that properties name. */
#include "host_misc.h"
#include "parts.h"
#include "stand_in.h"

struct stand_ins {
    struct stand_ins *next;
    uint32_t type;
    void *p;
};

static void *keep(struct host *h, uint32_t type, void *p)
{
    struct stand_ins *s = XNEW(struct stand_ins);
    *s = (struct stand_ins){h->parts->stand, type, p};
    h->parts->stand = s;
    return p;
}

void *stand_in(struct dev *d, uint32_t type, const char *name)
{
    struct host *h = d->h;
    (void)name;
    switch (type) {
    case TN_P_CHARDEV:
        return keep(h, type, stand_in_chr(h));
    case TN_P_DRIVE:
        return keep(h, type, stand_in_blk(h));
    case TN_P_NETDEV:
        return keep(h, type, stand_in_net(h));
    case TN_P_MEMDEV:
        return keep(h, type, stand_in_mem(h));
    case TN_P_IOTHREAD:
        return d->home = &h->io;
    default:
        return NULL;
    }
}

struct tn_dev *stand_in_link(struct dev *d, const struct tn_prop *p)
{
    static const struct tn_class *const classes[] = {&stand_in_rng};
    for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
        for (const char *const *id = p->names; id && *id; id++)
            if (strcmp(*id, classes[i]->provides[0]) == 0) {
                struct dev *x = dev_new(d->h, classes[i], NULL);
                return dev_realize(x, NULL) == 0 ? &x->pub : NULL;
            }
    return NULL;
}

void *stand_in_of(struct host *h, uint32_t type, uint32_t n)
{
    for (struct stand_ins *s = h->parts->stand; s; s = s->next)
        if (s->type == type && n-- == 0)
            return s->p;
    return NULL;
}

void stand_ins_free(struct host *h)
{
    while (h->parts->stand) {
        struct stand_ins *s = h->parts->stand;
        h->parts->stand = s->next;
        if (s->type == TN_P_MEMDEV)
            stand_in_mem_free(s->p);
        free(s->p);
        free(s);
    }
}
