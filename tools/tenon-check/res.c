/* SPDX-License-Identifier: BSD-2-Clause */
/* Managed resources: whatever a device takes through a table. docs/abi.md, Managed resources. */
#include "parts.h"

void *res_new(struct dev *d, const char *kind, size_t size, void (*release)(struct res *))
{
    struct res *r = xcalloc(1, size);
    r->d = d;
    r->kind = kind;
    r->release = release;
    TAILQ_INSERT_TAIL(&d->res, r, link);
    return r;
}

void res_drop(struct res *r)
{
    struct host *h = r->d->h;
    r->dead = 1;
    if (r->release)
        r->release(r);
    TAILQ_REMOVE(&r->d->res, r, link);
    TAILQ_INSERT_TAIL(&h->corpses, r, link);
}

void res_check(const struct res *r, const char *what)
{
    if (!r)
        violation("docs/abi.md: Managed resources", "%s was called with NULL", what);
    if (r->dead)
        violation("docs/abi.md: Managed resources", "%s was called with a %s that was released",
                  what, r->kind);
}

uint32_t res_count(const struct dev *d, const char *kind)
{
    const struct res *r;
    uint32_t n = 0;
    TAILQ_FOREACH(r, &d->res, link)
    n += !kind || strcmp(r->kind, kind) == 0;
    return n;
}
