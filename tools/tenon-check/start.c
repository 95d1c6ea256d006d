/* SPDX-License-Identifier: BSD-2-Clause */
/* What most tests begin and end with. */
#include "host_misc.h"
#include "host_pci.h"
#include "host_tables.h"
#include <errno.h>
#include <string.h>
#include <tenon/machine.h>

/* The value of --set for property key of class cls, the last one given; NULL. */
static int is_for(const struct setting *s, const struct dev *d, const char **key)
{
    size_t n = strlen(dev_name(d));
    *key = s->key;
    if (strncmp(s->key, dev_name(d), n) == 0 && s->key[n] == '.') {
        *key = s->key + n + 1;
        return 1;
    }
    return 0;
}

static int apply_settings(struct check *c, struct dev *d, struct tn_err *e)
{
    for (uint32_t i = 0; i < c->o->nsets; i++) {
        const char *key;
        int named = is_for(&c->o->sets[i], d, &key);
        int r = dev_set(d, key, c->o->sets[i].value, e);
        if (r < 0 && (named || r != -ENOENT))
            return r;
    }
    return 0;
}

struct dev *check_make(struct check *c, struct host **h)
{
    struct tn_err e = {0};
    *h = *h ? *h : host_new(c);
    struct dev *d = dev_new(*h, c->cls, NULL);
    if (!d)
        check_fail(c, "init failed though there is memory");
    if (apply_settings(c, d, &e) < 0)
        check_skip(c, "--set: %s", e.text);
    if (dev_set_required(d, &e) < 0)
        check_skip(c, "%s", e.text);
    return d;
}

struct dev *check_run(struct check *c, struct dev *d)
{
    struct tn_err e = {0};
    struct host *h = d->h;
    if (dev_realize(d, &e) < 0)
        check_skip(c, "it cannot be realized here: %s (--set may help)", e.text);
    dev_reset(d, TN_RESET_COLD);
    if (host_event(h, TN_ON_DEVICES, 0, &e) < 0 || host_event(h, TN_ON_FIRMWARE, 0, &e) < 0 ||
        host_build(h, &e) < 0)
        check_skip(c, "a hook of it stops the start: %s", e.text);
    dev_resume(d);
    if (d->pci)
        pci_firmware(d);
    host_run(h, 0);
    return d;
}

struct dev *check_start(struct check *c, struct host **h)
{
    return check_run(c, check_make(c, h));
}

void check_end(struct check *c, struct host *h, struct dev *d)
{
    (void)c;
    dev_free(d);
    host_free(h);
}
