/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine's RAM: its own, a memory-backend's, or one of each NUMA node. */
#include "cli/kvtree.h"
#include "cli/values.h"
#include "core/device.h"
#include "machine_impl.h"
#include "memory.h"
#include "util/alloc.h"
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A run of host memory on its way into the guest's map. */
struct filler {
    struct machine *m;
    uint64_t done; /* bytes of RAM that are placed */
};

/* Places size bytes of mem behind what is there: below the hole first, then above 4 GiB. */
static int place(struct filler *f, struct tn_mem *mem, uint64_t off, uint64_t size,
                 struct tn_err *e)
{
    const struct machine_map *p = &f->m->map;
    while (size) {
        uint64_t low = f->done < p->ram_low ? p->ram_low - f->done : 0,
                 n = low && low < size ? low : size;
        uint64_t gpa = low ? f->done : p->ram_high_base + (f->done - p->ram_low);
        int err = memory_map(f->m->vm, mem, off, gpa, n, 0, e);
        if (err < 0)
            return err;
        f->done += n;
        off += n;
        size -= n;
    }
    return 0;
}

/* Nodes are read before any memory is mapped. */
static int used_by_node(const struct machine *m, const struct tn_mem *mem)
{
    for (uint32_t i = 0; i < m->n_nodes; i++)
        if (m->node[i].mem == mem)
            return 1;
    return 0;
}

static struct tn_mem *backend(struct machine *m, const char *id, struct tn_err *e)
{
    struct device *d = device_find(m->vm, TN_K_OBJECT, id);
    if (!d || d->handle_type != TN_P_MEMDEV) {
        err_set(e, ENOENT,
                d ? "object '%s' is not a memory-backend" : "Memory backend '%s' not found", id);
        return NULL;
    }
    struct tn_mem *mem = d->handle;
    if (mem->mapped || mem->user || used_by_node(m, mem)) {
        err_set(e, EBUSY, "memory backend '%s' can't be used multiple times.", id);
        return NULL;
    }
    if (mem->flags & TN_MEMF_READONLY) {
        err_set(e, EINVAL, "memory backend '%s' is read-only", id);
        return NULL;
    }
    d->holds++;
    return mem;
}

/* ---- -numa ---- */

static int text_error(struct tn_err *e, char *text)
{
    err_set(e, EINVAL, "%s", text ? text : "bad value");
    free(text);
    return -EINVAL;
}

static struct machine_node *node_by_id(struct machine *m, uint64_t id)
{
    for (uint32_t i = 0; i < m->n_nodes; i++)
        if (m->node[i].id == id)
            return &m->node[i];
    return NULL;
}

/* "2" or "0-3". */
static int cpu_range(const char *text, unsigned long *first, unsigned long *last)
{
    char *end;
    if (!isdigit((unsigned char)*text))
        return -EINVAL;
    *last = *first = strtoul(text, &end, 10);
    if (*end == '-' && isdigit((unsigned char)end[1]))
        *last = strtoul(end + 1, &end, 10);
    return *end ? -EINVAL : 0;
}

static int node_cpus(struct machine *m, const struct kv_node *kv, uint32_t node, struct tn_err *e)
{
    for (size_t i = 0; i < kv->n_child; i++) {
        if (strcmp(kv->child[i]->key, "cpus") != 0 || !kv_is_scalar(kv->child[i]))
            continue;
        unsigned long first, last;
        if (cpu_range(kv->child[i]->text, &first, &last) < 0)
            return err_set(e, EINVAL, "-numa cpus=%s: a CPU or a range of them is expected",
                           kv->child[i]->text);
        if (last < first || last >= m->max_cpus)
            return err_set(e, EINVAL, "-numa cpus=%s: CPU index should be below %u",
                           kv->child[i]->text, m->max_cpus);
        for (unsigned long c = first; c <= last; c++)
            m->cpu_node[c] = (uint8_t)node;
    }
    return 0;
}

static int add_node(struct machine *m, const struct kv_node *kv, struct tn_err *e)
{
    uint64_t id = m->n_nodes, size = 0;
    char *text = NULL;
    const char *mem = kv_text(kv, "memdev"), *old = kv_text(kv, "mem");
    if (kv_text(kv, "nodeid") &&
        val_u64("nodeid", kv_text(kv, "nodeid"), 0, MACHINE_MAX_NODES - 1, &id, &text) < 0)
        return text_error(e, text);
    if (node_by_id(m, id) || m->n_nodes == MACHINE_MAX_NODES)
        return err_set(e, EINVAL, "Duplicate NUMA nodeid: %" PRIu64, id);
    if (mem && old)
        return err_set(e, EINVAL, "cannot specify both mem= and memdev=");
    if (old && val_size("mem", old, VAL_MIB, &size, &text) < 0)
        return text_error(e, text);
    struct machine_node *n = &m->node[m->n_nodes];
    *n = (struct machine_node){.id = (uint32_t)id, .size = size};
    if (mem) {
        if (!(n->mem = backend(m, mem, e)))
            return -ENOENT;
        n->size = n->mem->len;
    }
    m->n_nodes++;
    return node_cpus(m, kv, (uint32_t)id, e);
}

static int add_distance(struct machine *m, const struct kv_node *kv, struct tn_err *e)
{
    uint64_t v[3];
    static const char *const keys[] = {"src", "dst", "val"};
    for (int i = 0; i < 3; i++) {
        char *text = NULL;
        if (!kv_text(kv, keys[i]))
            return err_set(e, EINVAL, "-numa dist: Parameter '%s' is missing", keys[i]);
        if (val_u64(keys[i], kv_text(kv, keys[i]), i == 2 ? 10 : 0, 254, &v[i], &text) < 0)
            return text_error(e, text);
    }
    if (v[0] >= m->n_nodes || v[1] >= m->n_nodes || (v[0] == v[1] && v[2] != 10))
        return err_set(e, EINVAL,
                       "-numa dist: no distance %" PRIu64 " between nodes %" PRIu64 " and %" PRIu64,
                       v[2], v[0], v[1]);
    uint32_t n = m->n_nodes;
    if (!m->distances) {
        m->distances = xcalloc(n, n);
        for (uint32_t i = 0; i < n * n; i++)
            m->distances[i] = i % n == i / n ? 10 : 20;
    }
    m->distances[v[0] * n + v[1]] = (uint8_t)v[2];
    if (m->distances[v[1] * n + v[0]] == 20)
        m->distances[v[1] * n + v[0]] = (uint8_t)v[2];
    return 0;
}

static int read_numa(struct machine *m, struct tn_err *e)
{
    const struct cli_list *l = &m->cli->numa;
    int err = 0;
    m->cpu_node = xcalloc(m->max_cpus, 1);
    if (!l->n) /* memory that may come has a node to belong to: all of RAM is node 0's */
        m->node[m->n_nodes++] = (struct machine_node){.id = 0};
    for (size_t i = 0; i < l->n && err == 0; i++) {
        const char *type = kv_text(l->v[i].kv, "type");
        if (type && strcmp(type, "node") == 0)
            err = add_node(m, l->v[i].kv, e);
        else if (!type || strcmp(type, "dist") != 0)
            err = err_set(e, ENOTSUP, "-numa %s: 'node' or 'dist' is expected", type ? type : "");
    }
    for (size_t i = 0; i < l->n && err == 0; i++)
        if (strcmp(kv_text(l->v[i].kv, "type"), "dist") == 0)
            err = add_distance(m, l->v[i].kv, e);
    for (uint32_t i = 0; i < m->n_nodes && err == 0; i++)
        if (!node_by_id(m, i))
            err = err_set(e, EINVAL, "numa: Node ID missing: %u", i);
    return err;
}

static int by_id(const void *a, const void *b)
{
    return (int)((const struct machine_node *)a)->id - (int)((const struct machine_node *)b)->id;
}

static int check_total(struct machine *m, struct tn_err *e)
{
    uint64_t total = 0;
    uint32_t with = 0;
    for (uint32_t i = 0; i < m->n_nodes; i++) {
        total += m->node[i].size;
        with += m->node[i].mem != NULL;
    }
    if (with && with != m->n_nodes)
        return err_set(
            e, EINVAL,
            "numa configuration should use either mem= or memdev=, mixing both is not allowed");
    if (total == 0) /* nothing said: the nodes share what there is, as evenly as 8 MiB allow */
        for (uint32_t i = 0; i < m->n_nodes; i++) {
            uint64_t part = i + 1 == m->n_nodes
                                ? m->ram - total
                                : (m->ram / m->n_nodes) & ~(uint64_t)((8 << 20) - 1);
            m->node[i].size = part;
            total += part;
        }
    if (total != m->ram)
        return err_set(e, EINVAL,
                       "total memory for NUMA nodes (0x%" PRIx64
                       ") should equal RAM size (0x%" PRIx64 ")",
                       total, m->ram);
    qsort(m->node, m->n_nodes, sizeof m->node[0], by_id);
    return 0;
}

/* ---- all together ---- */

static struct tn_mem *one_block(struct machine *m, struct tn_err *e)
{
    const char *id = machine_option(m, "memory-backend");
    if (!id)
        return m->own_ram = memory_default_ram(m->vm, m->ram, e);
    struct tn_mem *mem = backend(m, id, e);
    if (!mem)
        return NULL;
    if (!m->cli->memory.given) {
        m->ram = mem->len;
        m->maxmem = m->maxmem > m->ram ? m->maxmem : m->ram;
        m->type->map(m);
    }
    if (mem->len == m->ram)
        return mem;
    err_set(e, EINVAL,
            "Size specified by -m option must match size of explicitly specified 'memory-backend' "
            "property: 0x%" PRIx64 " and 0x%" PRIx64,
            m->ram, mem->len);
    return NULL;
}

int machine_memory(struct machine *m, struct tn_err *e)
{
    struct filler f = {m, 0};
    if (m->slots)
        m->dimm = xcalloc(m->slots, sizeof *m->dimm);
    int may_grow = m->type->mem_hotplug && m->maxmem > m->ram;
    int err = m->cli->numa.n || may_grow ? read_numa(m, e) : 0;
    if (err == 0 && m->n_nodes)
        err = check_total(m, e);
    if (err < 0 || !m->ram)
        return err;
    if (m->n_nodes && m->node[0].mem) {
        for (uint32_t i = 0; i < m->n_nodes && err == 0; i++)
            err = place(&f, m->node[i].mem, 0, m->node[i].size, e);
        return err;
    }
    struct tn_mem *mem = one_block(m, e);
    return mem ? place(&f, mem, 0, m->ram, e) : -ENOMEM;
}
