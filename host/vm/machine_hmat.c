/* SPDX-License-Identifier: BSD-2-Clause */
/* -M hmat=on: what -numa says of the speed of memory. Options count in their order: what one says
 * of a node, an earlier one has made. */
#include "cli/kvtree.h"
#include "cli/values.h"
#include "core/err.h"
#include "hmat.h"
#include "machine_impl.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)HMAT_NODES == (int)MACHINE_MAX_NODES, "as many nodes as a machine has");

static int number(const struct kv_node *item, const char *key, uint64_t otherwise, uint64_t *out,
                  struct tn_err *e)
{
    char *why = NULL;
    const char *text = kv_text(item, key);
    *out = otherwise;
    if (!text || val_u64(key, text, 0, UINT16_MAX, out, &why) == 0)
        return 0;
    err_set(e, EINVAL, "%s", why ? why : "bad value");
    free(why);
    return -EINVAL;
}

static int has_cpus(const struct kv_node *item)
{
    for (size_t i = 0; i < item->n_child; i++)
        if (strcmp(item->child[i]->key, "cpus") == 0)
            return 1;
    return 0;
}

static int replay_node(struct hmat *h, const struct kv_node *item, struct tn_err *e)
{
    uint64_t id, initiator;
    if (number(item, "nodeid", h->n, &id, e) < 0 ||
        number(item, "initiator", HMAT_NO_NODE, &initiator, e) < 0)
        return -EINVAL;
    if (kv_text(item, "initiator") && initiator == HMAT_NO_NODE)
        initiator++; /* no number of a node: to be refused */
    int err = hmat_add_node(h, (uint32_t)id, (uint32_t)initiator, e);
    return err == 0 && has_cpus(item) ? hmat_add_cpu(h, (uint32_t)id, e) : err;
}

static int replay_cpu(struct hmat *h, const struct kv_node *item, struct tn_err *e)
{
    uint64_t id;
    int err = number(item, "node-id", HMAT_NODES, &id, e);
    return err == 0 && id < HMAT_NODES ? hmat_add_cpu(h, (uint32_t)id, e) : err;
}

static int replay(struct hmat *h, const struct kv_node *item, struct tn_err *e)
{
    static const struct {
        const char *type;
        int (*add)(struct hmat *h, const struct kv_node *item, struct tn_err *e);
    } types[] = {{"node", replay_node},
                 {"cpu", replay_cpu},
                 {"hmat-lb", hmat_add_lb},
                 {"hmat-cache", hmat_add_cache}};
    const char *type = kv_text(item, "type");
    for (size_t i = 0; type && i < sizeof types / sizeof types[0]; i++)
        if (strcmp(type, types[i].type) == 0)
            return types[i].add(h, item, e);
    return 0;
}

static int is_about_hmat(const struct kv_node *item)
{
    const char *type = kv_text(item, "type");
    return (type && strncmp(type, "hmat", 4) == 0) || kv_text(item, "initiator");
}

static int refuse_without(const struct machine *m, const struct kv_node *item, struct tn_err *e)
{
    return machine_switch(m, "hmat", 0) || !is_about_hmat(item)
               ? 0
               : err_set(e, EINVAL,
                         "ACPI Heterogeneous Memory Attribute Table (HMAT) is disabled, enable it "
                         "with -machine hmat=on before using any of hmat specific options");
}

/* What all items say, and then one more (NULL: none). NULL with e. */
static struct hmat *read_all(const struct machine *m, const struct kv_node *more, struct tn_err *e)
{
    struct hmat *h = hmat_new();
    const struct kv_node *item;
    int err = 0;
    for (size_t i = 0; err == 0 && (item = machine_numa_item(m, i)); i++)
        if ((err = refuse_without(m, item, e)) == 0)
            err = replay(h, item, e);
    if (err == 0 && more)
        err = replay(h, more, e);
    if (err == 0)
        return h;
    hmat_free(h);
    return NULL;
}

int machine_hmat_may_add(const struct machine *m, const struct kv_node *item, struct tn_err *e)
{
    int err = refuse_without(m, item, e);
    if (err < 0 || !machine_switch(m, "hmat", 0))
        return err;
    struct hmat *h = read_all(m, item, e);
    hmat_free(h);
    return h ? 0 : -EINVAL;
}

int machine_hmat(struct machine *m, struct tn_err *e)
{
    struct hmat *h = read_all(m, NULL, e);
    int err = h ? 0 : -EINVAL;
    for (uint32_t i = 0; err == 0 && machine_switch(m, "hmat", 0) && i < m->max_cpus; i++)
        err = hmat_add_cpu(h, m->cpu_node[i], e);
    if (err == 0)
        err = hmat_check(h, e);
    if (err == 0 && h->n && machine_switch(m, "hmat", 0)) {
        m->hmat = h;
        return 0;
    }
    hmat_free(h);
    return err;
}
