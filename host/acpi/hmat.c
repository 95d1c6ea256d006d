/* SPDX-License-Identifier: BSD-2-Clause */
/* HMAT (ACPI 6.5 5.2.28): how fast processors reach memory. */
#include "vm/hmat.h"
#include "build.h"

enum { HMAT_REVISION = 2, MPDA = 0, SLLBI = 1, MSCI = 2 };
enum { MPDA_LEN = 40, SLLBI_HEAD = 32, MSCI_LEN = 32, MPDA_INITIATOR_VALID = 1 };
enum { PS_PER_NS = 1000 };
#define MB ((uint64_t)1 << 20)

static void begin(struct buf *b, uint16_t type, uint32_t len)
{
    buf_add_le16(b, type);
    buf_add_le16(b, 0);
    buf_add_le32(b, len);
}

/* 5.2.28.3: which memory is there, and next to whom */
static void add_attributes(struct buf *b, uint32_t node, uint32_t initiator)
{
    int valid = initiator < HMAT_NO_NODE;
    begin(b, MPDA, MPDA_LEN);
    buf_add_le16(b, valid ? MPDA_INITIATOR_VALID : 0);
    buf_add_le16(b, 0);
    buf_add_le32(b, valid ? initiator : 0);
    buf_add_le32(b, node);
    buf_add(b, NULL, MPDA_LEN - 20);
}

struct domains {
    uint32_t id[HMAT_NODES], n;
};

static void add_list(struct buf *b, const struct domains *d)
{
    for (uint32_t i = 0; i < d->n; i++)
        buf_add_le32(b, d->id[i]);
}

/* 5.2.28.4: latencies in picoseconds, bandwidths in MB/s, as numbers of a base unit */
static void add_matrix(struct buf *b, const struct hmat_lb *lb, uint32_t hierarchy, uint32_t type,
                       const struct domains *from, const struct domains *to)
{
    uint64_t base = type < HMAT_ACCESS_BANDWIDTH ? lb->base * PS_PER_NS : lb->base / MB;
    begin(b, SLLBI, SLLBI_HEAD + 4 * from->n + 4 * to->n + 2 * from->n * to->n);
    buf_add8(b, (uint8_t)hierarchy);
    buf_add8(b, (uint8_t)type);
    buf_add_le16(b, 0);
    buf_add_le32(b, from->n);
    buf_add_le32(b, to->n);
    buf_add_le32(b, 0);
    buf_add_le64(b, base);
    add_list(b, from);
    add_list(b, to);
    for (uint32_t i = 0; i < from->n; i++)
        for (uint32_t k = 0; k < to->n; k++)
            buf_add_le16(b, hmat_units(lb, from->id[i], to->id[k]));
}

/* 5.2.28.5 */
static void add_cache(struct buf *b, uint32_t node, const struct hmat_node *n, uint32_t level)
{
    const struct hmat_cache *c = &n->cache[level];
    begin(b, MSCI, MSCI_LEN);
    buf_add_le32(b, node);
    buf_add_le32(b, 0);
    buf_add_le64(b, c->size);
    buf_add_le32(b, hmat_levels(n) | level << 4 | (uint32_t)c->associativity << 8 |
                        (uint32_t)c->policy << 12 | (uint32_t)c->line << 16);
    buf_add_le16(b, 0);
    buf_add_le16(b, 0); /* handles of SMBIOS: none */
}

static void add_matrices(struct buf *b, const struct hmat *h)
{
    struct domains from = {.n = 0}, to = {.n = 0};
    for (uint32_t i = 0; i < h->n; i++) {
        to.id[to.n++] = i;
        if (h->node[i].has_cpu)
            from.id[from.n++] = i;
    }
    for (uint32_t i = 0; i < HMAT_HIERARCHIES; i++)
        for (uint32_t k = 0; k < HMAT_DATA_TYPES; k++)
            if (h->lb[i][k].entry)
                add_matrix(b, &h->lb[i][k], i, k, &from, &to);
}

void acpi_add_hmat(struct acpi_tables *t, const struct hmat *h)
{
    struct buf *b = acpi_start(t, "HMAT", HMAT_REVISION);
    buf_add_le32(b, 0);
    for (uint32_t i = 0; i < h->n; i++)
        add_attributes(b, i, h->node[i].initiator);
    add_matrices(b, h);
    for (uint32_t i = 0; i < h->n; i++)
        for (uint32_t level = 1; level < HMAT_LEVELS; level++)
            if (h->node[i].cache[level].given)
                add_cache(b, i, &h->node[i], level);
}
