/* SPDX-License-Identifier: BSD-2-Clause */
#include "hmat.h"

#include "cli/kvtree.h"
#include "cli/values.h"
#include "core/err.h"
#include "util/alloc.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

struct hmat *hmat_new(void)
{
    struct hmat *h = XNEW(struct hmat);
    for (uint32_t i = 0; i < HMAT_NODES; i++)
        h->node[i].initiator = HMAT_NO_NODE;
    return h;
}

void hmat_free(struct hmat *h)
{
    for (uint32_t i = 0; h && i < HMAT_HIERARCHIES; i++)
        for (uint32_t k = 0; k < HMAT_DATA_TYPES; k++)
            free(h->lb[i][k].entry);
    free(h);
}

/* ---- nodes ---- */

int hmat_add_node(struct hmat *h, uint32_t id, uint32_t initiator, struct tn_err *e)
{
    if (initiator > HMAT_NO_NODE)
        return err_set(e, EINVAL, "The initiator id %u expects an integer between 0 and %d",
                       initiator, HMAT_NODES - 1);
    if (id >= HMAT_NODES || h->node[id].present)
        return err_set(e, EINVAL, "Duplicate NUMA nodeid: %u", id);
    h->node[id].present = 1;
    h->node[id].initiator = initiator;
    h->n++;
    return 0;
}

int hmat_add_cpu(struct hmat *h, uint32_t node, struct tn_err *e)
{
    struct hmat_node *n = &h->node[node];
    if (n->initiator < HMAT_NO_NODE && n->initiator != node)
        return err_set(e, EINVAL, "The initiator of CPU NUMA node %u should be itself (got %u)",
                       node, n->initiator);
    n->has_cpu = 1;
    n->initiator = node;
    return 0;
}

int hmat_check(const struct hmat *h, struct tn_err *e)
{
    for (uint32_t i = 0; i < h->n; i++) {
        uint32_t initiator = h->node[i].initiator;
        if (initiator == HMAT_NO_NODE)
            continue;
        if (!h->node[initiator].present)
            return err_set(e, EINVAL,
                           "NUMA node %u is missing, use '-numa node' option to declare it first",
                           initiator);
        if (!h->node[initiator].has_cpu)
            return err_set(e, EINVAL, "The initiator of NUMA node %u is invalid", i);
    }
    return 0;
}

/* ---- values of an option ---- */

static int bad_text(char *text, struct tn_err *e)
{
    err_set(e, EINVAL, "%s", text ? text : "bad value");
    free(text);
    return -EINVAL;
}

static int missing(const char *key, struct tn_err *e)
{
    return err_set(e, EINVAL, "Parameter '%s' is missing", key);
}

static int read_number(const struct kv_node *item, const char *key, uint64_t max, uint64_t *out,
                       struct tn_err *e)
{
    char *why = NULL;
    const char *text = kv_text(item, key);
    if (!text)
        return missing(key, e);
    return val_u64(key, text, 0, max, out, &why) < 0 ? bad_text(why, e) : 0;
}

static int read_size(const struct kv_node *item, const char *key, uint64_t *out, struct tn_err *e)
{
    char *why = NULL;
    const char *text = kv_text(item, key);
    if (!text)
        return missing(key, e);
    return val_size(key, text, 1, out, &why) < 0 ? bad_text(why, e) : 0;
}

static int read_choice(const struct kv_node *item, const char *key, const char *const *names,
                       size_t n, size_t *out, struct tn_err *e)
{
    char *why = NULL;
    const char *text = kv_text(item, key);
    if (!text)
        return missing(key, e);
    return val_choice(key, text, names, n, out, &why) < 0 ? bad_text(why, e) : 0;
}

/* ---- latencies and bandwidths ---- */

struct lb_option {
    uint64_t initiator, target, value;
    size_t hierarchy, type;
};

static int is_bandwidth(const struct lb_option *o)
{
    return o->type >= HMAT_ACCESS_BANDWIDTH;
}

/* Between which nodes: the first with processors. */
static int check_nodes(const struct hmat *h, const struct lb_option *o, struct tn_err *e)
{
    if (o->initiator >= h->n)
        return err_set(e, EINVAL, "Invalid initiator=%u, it should be less than %u",
                       (unsigned)o->initiator, h->n);
    if (o->target >= h->n)
        return err_set(e, EINVAL, "Invalid target=%u, it should be less than %u",
                       (unsigned)o->target, h->n);
    if (!h->node[o->initiator].has_cpu)
        return err_set(e, EINVAL, "Invalid initiator=%u, it isn't an initiator proximity domain",
                       (unsigned)o->initiator);
    if (!h->node[o->target].present)
        return err_set(e, EINVAL, "The target=%u should point to an existing node",
                       (unsigned)o->target);
    return 0;
}

static int read_value(const struct kv_node *item, struct lb_option *o, struct tn_err *e)
{
    const char *mine = is_bandwidth(o) ? "bandwidth" : "latency",
               *other = is_bandwidth(o) ? "latency" : "bandwidth";
    if (!kv_text(item, mine))
        return err_set(e, EINVAL, "Missing '%s' option", mine);
    if (kv_text(item, other))
        return err_set(e, EINVAL, "Invalid option '%s' since the data type is %s", other, mine);
    if (!is_bandwidth(o))
        return read_number(item, mine, UINT64_MAX, &o->value, e);
    int err = read_size(item, mine, &o->value, e);
    if (err == 0 && o->value % VAL_MIB)
        err = err_set(e, EINVAL,
                      "Bandwidth %" PRIu64
                      " between initiator=%u and target=%u should be 1MB aligned",
                      o->value, (unsigned)o->initiator, (unsigned)o->target);
    return err;
}

static int read_lb(const struct hmat *h, const struct kv_node *item, struct lb_option *o,
                   struct tn_err *e)
{
    static const char *const hierarchies[] = {"memory", "first-level", "second-level",
                                              "third-level"};
    static const char *const types[] = {"access-latency",   "read-latency",   "write-latency",
                                        "access-bandwidth", "read-bandwidth", "write-bandwidth"};
    if (read_number(item, "initiator", UINT16_MAX, &o->initiator, e) < 0 ||
        read_number(item, "target", UINT16_MAX, &o->target, e) < 0 ||
        read_choice(item, "hierarchy", hierarchies, ARRAY_SIZE(hierarchies), &o->hierarchy, e) <
            0 ||
        read_choice(item, "data-type", types, ARRAY_SIZE(types), &o->type, e) < 0)
        return -EINVAL;
    int err = check_nodes(h, o, e);
    return err < 0 ? err : read_value(item, o, e);
}

/* The largest power of ten that divides v, which is not 0. */
static uint64_t tens(uint64_t v)
{
    uint64_t unit = 1;
    for (; v % 10 == 0; v /= 10)
        unit *= 10;
    return unit;
}

/* Latencies share a power of ten: the value joins them, if all of them fit into 16 bits then. */
static int join_latency(struct hmat_lb *lb, uint64_t v)
{
    uint64_t unit = tens(v), base = lb->base && lb->base < unit ? lb->base : unit;
    uint64_t scale = lb->base ? lb->base / base : 1, units = v / base;
    if (lb->range > UINT16_MAX / scale || units >= UINT16_MAX || lb->range * scale >= UINT16_MAX)
        return -ERANGE;
    lb->range = units > lb->range * scale ? units : lb->range * scale;
    lb->base = base;
    return 0;
}

/* Bandwidths share a power of two. */
static int join_bandwidth(struct hmat_lb *lb, uint64_t v)
{
    uint64_t all = lb->range | v;
    uint32_t first = (uint32_t)__builtin_ctzll(all), end = 64 - (uint32_t)__builtin_clzll(all);
    if (end - first > 16 || v >> first >= UINT16_MAX)
        return -ERANGE;
    lb->range = all;
    lb->base = (uint64_t)1 << first;
    return 0;
}

static int out_of_range(const struct lb_option *o, struct tn_err *e)
{
    return err_set(e, ERANGE,
                   "%s %" PRIu64 " between initiator=%u and target=%u should not differ from "
                   "previously entered %s on more than %d",
                   is_bandwidth(o) ? "Bandwidth" : "Latency", o->value, (unsigned)o->initiator,
                   (unsigned)o->target, is_bandwidth(o) ? "values" : "min or max values",
                   UINT16_MAX - 1);
}

static struct hmat_entry *entry_at(const struct hmat_lb *lb, uint64_t initiator, uint64_t target)
{
    return &lb->entry[initiator * HMAT_NODES + target];
}

int hmat_add_lb(struct hmat *h, const struct kv_node *item, struct tn_err *e)
{
    struct lb_option o = {0};
    int err = read_lb(h, item, &o, e);
    if (err < 0)
        return err;
    struct hmat_lb *lb = &h->lb[o.hierarchy][o.type];
    if (!lb->entry)
        lb->entry = xcalloc(HMAT_NODES * HMAT_NODES, sizeof *lb->entry);
    struct hmat_entry *at = entry_at(lb, o.initiator, o.target);
    if (at->given)
        return err_set(
            e, EEXIST, "Duplicate configuration of the %s for initiator=%u and target=%u",
            is_bandwidth(&o) ? "bandwidth" : "latency", (unsigned)o.initiator, (unsigned)o.target);
    if (o.value && (is_bandwidth(&o) ? join_bandwidth : join_latency)(lb, o.value) < 0)
        return out_of_range(&o, e);
    *at = (struct hmat_entry){o.value, 1};
    h->node[o.target].latency |= o.value && !is_bandwidth(&o);
    h->node[o.target].bandwidth |= o.value && is_bandwidth(&o);
    return 0;
}

/* ---- caches in front of memory ---- */

struct cache_option {
    uint64_t node, size, level, line;
    size_t associativity, policy;
};

static int read_cache(const struct kv_node *item, struct cache_option *o, struct tn_err *e)
{
    static const char *const associativities[] = {"none", "direct", "complex"};
    static const char *const policies[] = {"none", "write-back", "write-through"};
    if (read_number(item, "node-id", UINT32_MAX, &o->node, e) < 0 ||
        read_size(item, "size", &o->size, e) < 0 ||
        read_number(item, "level", UINT8_MAX, &o->level, e) < 0 ||
        read_choice(item, "associativity", associativities, 3, &o->associativity, e) < 0 ||
        read_choice(item, "policy", policies, 3, &o->policy, e) < 0)
        return -EINVAL;
    return read_number(item, "line", UINT16_MAX, &o->line, e);
}

/* Levels are told from the memory on, each larger than the one before. */
static int check_levels(const struct hmat_node *n, const struct cache_option *o, struct tn_err *e)
{
    const struct hmat_cache *below = &n->cache[o->level - 1],
                            *above = o->level + 1 < HMAT_LEVELS ? &n->cache[o->level + 1] : NULL;
    if (o->level > 1 && !below->given)
        return err_set(e, EINVAL, "Cache level=%u shall be defined first", (unsigned)o->level - 1);
    if (o->level > 1 && o->size <= below->size)
        return err_set(e, EINVAL,
                       "Invalid size=%" PRIu64 ", the size of level=%u should be larger than the "
                       "size(%" PRIu64 ") of level=%u",
                       o->size, (unsigned)o->level, below->size, (unsigned)o->level - 1);
    if (above && above->given && o->size >= above->size)
        return err_set(e, EINVAL,
                       "Invalid size=%" PRIu64 ", the size of level=%u should be less than the "
                       "size(%" PRIu64 ") of level=%u",
                       o->size, (unsigned)o->level, above->size, (unsigned)o->level + 1);
    return 0;
}

static int check_cache(const struct hmat *h, const struct cache_option *o, struct tn_err *e)
{
    if (o->node >= h->n || o->node >= HMAT_NODES)
        return err_set(e, EINVAL, "Invalid node-id=%" PRIu64 ", it should be less than %u", o->node,
                       h->n);
    const struct hmat_node *n = &h->node[o->node];
    if (!n->latency || !n->bandwidth)
        return err_set(e, EINVAL,
                       "The latency and bandwidth information of node-id=%" PRIu64
                       " should be provided before memory side cache attributes",
                       o->node);
    if (o->level < 1 || o->level >= HMAT_LEVELS)
        return err_set(e, EINVAL,
                       "Invalid level=%u, it should be larger than 0 and less than or equal to %d",
                       (unsigned)o->level, HMAT_LEVELS - 1);
    if (n->cache[o->level].given)
        return err_set(e, EEXIST,
                       "Duplicate configuration of the side cache for node-id=%" PRIu64
                       " and level=%u",
                       o->node, (unsigned)o->level);
    return check_levels(n, o, e);
}

int hmat_add_cache(struct hmat *h, const struct kv_node *item, struct tn_err *e)
{
    struct cache_option o = {0};
    int err = read_cache(item, &o, e);
    if (err == 0)
        err = check_cache(h, &o, e);
    if (err == 0)
        h->node[o.node].cache[o.level] =
            (struct hmat_cache){.size = o.size,
                                .given = 1,
                                .associativity = (uint8_t)o.associativity,
                                .policy = (uint8_t)o.policy,
                                .line = (uint16_t)o.line};
    return err;
}
