/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine's RAM: its own, a memory-backend's, or one of each NUMA node. */
#include "cli/kvtree.h"
#include "core/device.h"
#include "machine_impl.h"
#include "memory.h"
#include "util/alloc.h"
#include <errno.h>
#include <inttypes.h>
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

struct tn_mem *machine_memdev(struct machine *m, const char *id, struct tn_err *e)
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

/* ---- all together ---- */

static struct tn_mem *one_block(struct machine *m, struct tn_err *e)
{
    const char *id = machine_option(m, "memory-backend");
    if (!id)
        return m->own_ram = memory_default_ram(m->vm, m->ram, e);
    struct tn_mem *mem = machine_memdev(m, id, e);
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
    int err = machine_numa_item(m, 0) || may_grow ? machine_numa(m, e) : 0;
    if (err < 0 || !m->ram)
        return err;
    if (machine_numa_backends(m)) {
        for (uint32_t i = 0; i < m->n_nodes && err == 0; i++)
            err = place(&f, m->node[i].mem, 0, m->node[i].size, e);
        return err;
    }
    struct tn_mem *mem = one_block(m, e);
    return mem ? place(&f, mem, 0, m->ram, e) : -ENOMEM;
}
