/* SPDX-License-Identifier: BSD-2-Clause */
/* -numa: which memory and which processors belong to which node. */
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
        m->cpus_in_nodes = 1;
    }
    return 0;
}

/* ---- -numa cpu: by place in the topology ---- */

/* A place that CPUs may have; -1: any. */
struct cpu_place {
    int64_t socket, core, thread;
};

static int is_at(const struct machine *m, uint32_t cpu, const struct cpu_place *p)
{
    const struct cli_smp *s = &m->cli->smp;
    uint32_t cores = s->cores * s->dies * s->clusters * s->modules, thread = cpu % s->threads,
             core = cpu / s->threads % cores, socket = cpu / s->threads / cores;
    return (p->socket < 0 || p->socket == socket) && (p->core < 0 || p->core == core) &&
           (p->thread < 0 || p->thread == thread);
}

static int read_id(const struct kv_node *kv, const char *key, int64_t *id, struct tn_err *e)
{
    char *text = NULL;
    *id = -1;
    return kv_text(kv, key) && val_s64(key, kv_text(kv, key), 0, UINT16_MAX, id, &text) < 0
               ? text_error(e, text)
               : 0;
}

static int place_cpus(struct machine *m, const struct kv_node *kv, struct tn_err *e)
{
    struct cpu_place p;
    int64_t node;
    uint32_t n = 0;
    if (read_id(kv, "node-id", &node, e) < 0 || read_id(kv, "socket-id", &p.socket, e) < 0 ||
        read_id(kv, "core-id", &p.core, e) < 0 || read_id(kv, "thread-id", &p.thread, e) < 0)
        return -EINVAL;
    if (node < 0)
        return err_set(e, EINVAL, "Missing mandatory node-id property");
    if (!node_by_id(m, (uint64_t)node))
        return err_set(e, EINVAL,
                       "Invalid node-id=%" PRId64 ", NUMA node must be defined with -numa "
                       "node,nodeid=ID before it's used with -numa cpu,node-id=ID",
                       node);
    for (uint32_t i = 0; i < m->max_cpus; i++)
        if (is_at(m, i, &p)) {
            m->cpu_node[i] = (uint8_t)node;
            n++;
        }
    m->cpus_in_nodes = 1;
    return n ? 0 : err_set(e, EINVAL, "no match found");
}

/* Nothing said about any CPU: sockets go to the nodes in turn. */
static void spread_sockets(struct machine *m)
{
    for (uint32_t i = 0; i < m->max_cpus && m->n_nodes && !m->cpus_in_nodes; i++)
        for (uint32_t s = 0; s < m->cli->smp.sockets; s++)
            if (is_at(m, i, &(struct cpu_place){s, -1, -1}))
                m->cpu_node[i] = (uint8_t)(s % m->n_nodes);
}

/* ---- nodes ---- */

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
        if (!(n->mem = machine_memdev(m, mem, e)))
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

const struct kv_node *machine_numa_item(const struct machine *m, size_t i)
{
    const struct cli_list *l = &m->cli->numa;
    if (i < l->n)
        return l->v[i].kv;
    return m->more_numa && i - l->n < m->more_numa->n_child ? m->more_numa->child[i - l->n] : NULL;
}

static int is_of_type(const struct kv_node *item, const char *type)
{
    const char *t = kv_text(item, "type");
    return t && strcmp(t, type) == 0;
}

static int read_item(struct machine *m, const struct kv_node *item, struct tn_err *e)
{
    if (is_of_type(item, "node"))
        return add_node(m, item, e);
    if (is_of_type(item, "cpu"))
        return place_cpus(m, item, e);
    if (is_of_type(item, "dist") || is_of_type(item, "hmat-lb") || is_of_type(item, "hmat-cache"))
        return 0; /* later, when all nodes are there */
    const char *type = kv_text(item, "type");
    return err_set(e, ENOTSUP,
                   "-numa %s: 'node', 'cpu', 'dist', 'hmat-lb' or 'hmat-cache' is expected",
                   type ? type : "");
}

static int read_numa(struct machine *m, struct tn_err *e)
{
    const struct kv_node *item;
    int err = 0;
    m->cpu_node = xcalloc(m->max_cpus, 1);
    if (!machine_numa_item(
            m, 0)) /* memory that may come has a node to belong to: all of RAM is node 0's */
        m->node[m->n_nodes++] = (struct machine_node){.id = 0};
    for (size_t i = 0; err == 0 && (item = machine_numa_item(m, i)); i++)
        err = read_item(m, item, e);
    for (size_t i = 0; err == 0 && (item = machine_numa_item(m, i)); i++)
        if (is_of_type(item, "dist"))
            err = add_distance(m, item, e);
    for (uint32_t i = 0; i < m->n_nodes && err == 0; i++)
        if (!node_by_id(m, i))
            err = err_set(e, EINVAL, "numa: Node ID missing: %u", i);
    if (err < 0)
        return err;
    spread_sockets(m);
    return machine_hmat(m, e);
}

static int by_id(const void *a, const void *b)
{
    return (int)((const struct machine_node *)a)->id - (int)((const struct machine_node *)b)->id;
}

int machine_numa_backends(const struct machine *m)
{
    for (uint32_t i = 0; i < m->n_nodes; i++)
        if (m->node[i].mem)
            return 1;
    return 0;
}

/* Nothing said: the nodes share what there is, as evenly as 8 MiB allow. */
static uint64_t share_out(struct machine *m)
{
    uint64_t total = 0, part = (m->ram / m->n_nodes) & ~(uint64_t)((8 << 20) - 1);
    for (uint32_t i = 0; i < m->n_nodes; i++) {
        m->node[i].size = i + 1 == m->n_nodes ? m->ram - total : part;
        total += m->node[i].size;
    }
    return total;
}

/* A node may be without memory, but not all with a backend and some with mem=. */
static int check_total(struct machine *m, struct tn_err *e)
{
    uint64_t total = 0;
    int backends = machine_numa_backends(m);
    for (uint32_t i = 0; i < m->n_nodes; i++) {
        total += m->node[i].size;
        if (backends && !m->node[i].mem && m->node[i].size)
            return err_set(e, EINVAL,
                           "numa configuration should use either mem= or memdev=, mixing both is "
                           "not allowed");
    }
    if (total == 0)
        total = share_out(m);
    if (total != m->ram)
        return err_set(e, EINVAL,
                       "total memory for NUMA nodes (0x%" PRIx64
                       ") should equal RAM size (0x%" PRIx64 ")",
                       total, m->ram);
    qsort(m->node, m->n_nodes, sizeof m->node[0], by_id);
    return 0;
}

int machine_numa(struct machine *m, struct tn_err *e)
{
    int err = read_numa(m, e);
    return err < 0 || !m->n_nodes ? err : check_total(m, e);
}
