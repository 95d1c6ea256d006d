/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of how fast which processors reach which memory: -numa hmat-lb, hmat-cache, and
 * initiator= of nodes. Refusals are in QEMU's words. Functions that return int: 0, or -errno with
 * e, and then nothing has changed. */
#ifndef TN_HOST_HMAT_H
#define TN_HOST_HMAT_H
#include <stdint.h>

struct kv_node;
struct tn_err;

enum { HMAT_NODES = 128, HMAT_NO_NODE = HMAT_NODES, HMAT_HIERARCHIES = 4, HMAT_LEVELS = 4 };
/* Type of data, as ACPI 6.5 table 5.146 numbers them; the first three are latencies. */
enum { HMAT_ACCESS_BANDWIDTH = 3, HMAT_DATA_TYPES = 6 };

struct hmat_entry {
    uint64_t value; /* ns, or bytes per second; 0: not said */
    uint32_t given;
};
/* One matrix. A value is kept as a number of units of base, which fits into 16 bits. */
struct hmat_lb {
    uint64_t base;            /* ns, or bytes per second; 0: there is no value */
    uint64_t range;           /* latencies: the largest number of units; bandwidths: all bits */
    struct hmat_entry *entry; /* HMAT_NODES rows by initiator, of targets; NULL: none is given */
};
struct hmat_cache {
    uint64_t size; /* bytes */
    uint32_t given;
    uint8_t associativity, policy; /* as table 5.148 has them */
    uint16_t line;
};
struct hmat_node {
    uint32_t present, has_cpu, initiator; /* initiator: HMAT_NO_NODE: none */
    uint32_t latency, bandwidth;          /* something is known of it */
    struct hmat_cache cache[HMAT_LEVELS]; /* by level, from 1 on */
};
struct hmat {
    uint32_t n; /* nodes */
    struct hmat_node node[HMAT_NODES];
    struct hmat_lb lb[HMAT_HIERARCHIES][HMAT_DATA_TYPES];
};

struct hmat *hmat_new(void);
void hmat_free(struct hmat *h); /* NULL is fine */

/* A node; initiator: HMAT_NO_NODE, or the one with processors next to it. */
int hmat_add_node(struct hmat *h, uint32_t id, uint32_t initiator, struct tn_err *e);
int hmat_add_cpu(struct hmat *h, uint32_t node, struct tn_err *e); /* it has a processor */
/* What one -numa hmat-lb or hmat-cache says. */
int hmat_add_lb(struct hmat *h, const struct kv_node *item, struct tn_err *e);
int hmat_add_cache(struct hmat *h, const struct kv_node *item, struct tn_err *e);
/* All has been said. */
int hmat_check(const struct hmat *h, struct tn_err *e);

/* How many levels of cache a node has in front of its memory. */
static inline uint32_t hmat_levels(const struct hmat_node *n)
{
    uint32_t levels = 0;
    for (uint32_t i = 1; i < HMAT_LEVELS; i++)
        levels += n->cache[i].given;
    return levels;
}

/* The entry of a matrix in units of its base. */
static inline uint16_t hmat_units(const struct hmat_lb *lb, uint32_t initiator, uint32_t target)
{
    return lb->base ? (uint16_t)(lb->entry[initiator * HMAT_NODES + target].value / lb->base) : 0;
}

#endif
