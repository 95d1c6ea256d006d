/* SPDX-License-Identifier: BSD-2-Clause */
/* What most tests begin and end with. */
#include "host_misc.h"
#include "host_pci.h"
#include "host_tables.h"
#include "parts.h"
#include "peer.h"
#include <errno.h>
#include <string.h>
#include <tenon/machine.h>

const char *setting_key(const struct setting *s, const struct tn_class *cls)
{
    size_t n = strlen(cls->name);
    return strncmp(s->key, cls->name, n) == 0 && s->key[n] == '.' ? s->key + n + 1 : s->key;
}

/* 0, also where d has no such property and nobody says that it should. */
static int apply(struct check *c, struct dev *d, const struct setting *s, struct tn_err *e)
{
    const char *key = setting_key(s, d->pub.cls);
    BUF_AUTO value = {0};
    int named = key != s->key;
    int r = peers_expand(c->peers, s->value, &value);
    if (r < 0 && (named || prop_find(class_props(d->pub.cls), key)))
        return err_set(e, -r, "%s", buf_cstr(&value));
    r = dev_set(d, key, buf_cstr(&value), e);
    return r == -ENOENT && !named ? 0 : r;
}

static int apply_settings(struct check *c, struct dev *d, struct tn_err *e)
{
    int r = 0;
    for (uint32_t i = 0; i < c->o->nsets && r == 0; i++)
        r = apply(c, d, &c->o->sets[i], e);
    return r;
}

static void apply_presets(struct check *c, struct dev *d)
{
    struct tn_err e = {0};
    const char *const *p = c->pair ? c->pair->how->preset : NULL;
    for (; p && p[0] && p[1]; p += 2)
        if (dev_set(d, p[0], p[1], &e) < 0)
            check_fail(c, "the composition presets %s=%s: %s", p[0], p[1], e.text);
}

static void configure(struct check *c, struct dev *d)
{
    struct tn_err e = {0};
    if (apply_settings(c, d, &e) < 0)
        check_skip(c, "--set: %s", e.text);
    if (dev_set_required(d, &e) < 0)
        check_skip(c, "%s", e.text);
}

struct dev *check_make_in(struct check *c, struct host *h)
{
    struct dev *d = dev_new(h, c->cls, NULL);
    if (!d)
        return NULL;
    apply_presets(c, d);
    configure(c, d);
    if (!c->pair)
        return d;
    if (!dev_compose(d, c->pair)) {
        dev_free(d);
        return NULL;
    }
    configure(c, d->inner);
    return d;
}

struct dev *check_make(struct check *c, struct host **h)
{
    *h = *h ? *h : host_new(c);
    struct dev *d = check_make_in(c, *h);
    if (!d)
        check_fail(c, "init failed though there is memory");
    return d;
}

const struct tn_class *check_class(const struct check *c, uint32_t n)
{
    const struct tn_plugin *all[WITH_MAX + 1] = {c->plugin};
    memcpy(all + 1, c->with, WITH_MAX * sizeof all[0]);
    for (uint32_t i = 0; i <= WITH_MAX && all[i]; i++)
        for (const struct tn_class *const *k = all[i]->classes; k && *k; k++)
            if (n-- == 0)
                return *k;
    return NULL;
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
