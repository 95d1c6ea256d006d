/* SPDX-License-Identifier: BSD-2-Clause */
/* What stands in for the back ends that properties name. */
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
    case TN_P_IOTHREAD:
        return d->home = &h->io;
    default:
        return NULL;
    }
}

struct tn_dev *stand_in_link(struct dev *d, const struct tn_prop *p)
{
    (void)d, (void)p;
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
        free(s->p);
        free(s);
    }
}
