/* SPDX-License-Identifier: BSD-2-Clause */
#include "dimm.h"

#include "acpi/mem_hotplug.h"
#include "machine_impl.h"
#include "memory_plug.h"
#include "monitor/cmd_acpi.h"
#include "run.h"
#include "util/alloc.h"
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <tenon/plugin.h>

#define UNIT ((uint64_t)2 << 20) /* what modules are aligned to, as guests' large pages are */
enum { ANY_SLOT = -1 };

struct dimm {
    struct tn_dev *dev;
    struct tn_mem *mem;
    uint64_t addr, size;
    uint32_t node;
    int32_t slot;
    int hot; /* it came when the machine was there already */
};

static struct machine *machine_of(const struct dimm *d)
{
    return device_of(d->dev)->vm->machine;
}

static struct dimm *in_slot(const struct machine *m, uint32_t i)
{
    return m->dimm && i < m->slots && m->dimm[i] ? device_self(m->dimm[i]) : NULL;
}

/* ---- which slot ---- */

static int choose_slot(struct dimm *d, struct tn_err *e)
{
    const struct machine *m = machine_of(d);
    if (d->slot != ANY_SLOT && (d->slot < 0 || (uint32_t)d->slot >= m->slots))
        return err_set(e, EINVAL, "invalid slot number %d, valid range is [0-%d]", d->slot,
                       (int)m->slots - 1);
    if (d->slot != ANY_SLOT)
        return in_slot(m, (uint32_t)d->slot) ? err_set(e, EBUSY, "slot %d is busy", d->slot) : 0;
    for (uint32_t i = 0; i < m->slots; i++)
        if (!in_slot(m, i)) {
            d->slot = (int32_t)i;
            return 0;
        }
    return err_set(e, ENOSPC, "no free slots available");
}

/* ---- where ---- */

static uint64_t unit_of(const struct dimm *d)
{
    uint64_t page = (uint64_t)1 << d->mem->page_shift;
    return page > UNIT ? page : UNIT;
}

static uint64_t up(uint64_t v, uint64_t unit)
{
    return (v + unit - 1) & ~(unit - 1);
}

/* The module that has something of addr..addr+len, or NULL. */
static const struct dimm *conflict(const struct machine *m, uint64_t addr, uint64_t len)
{
    for (uint32_t i = 0; i < m->slots; i++) {
        const struct dimm *o = in_slot(m, i);
        if (o && addr < o->addr + o->size && o->addr < addr + len)
            return o;
    }
    return NULL;
}

static int check_place(const struct dimm *d, struct tn_err *e)
{
    const struct machine_map *p = &machine_of(d)->map;
    if (d->addr % unit_of(d))
        return err_set(e, EINVAL, "address must be aligned to 0x%" PRIx64 " bytes", unit_of(d));
    if (d->addr < p->device_base || d->addr - p->device_base >= p->device_size ||
        d->size > p->device_size - (d->addr - p->device_base))
        return err_set(e, EINVAL,
                       "can't add memory device [0x%" PRIx64 ":0x%" PRIx64
                       "], usable range for memory devices [0x%" PRIx64 ":0x%" PRIx64 "]",
                       d->addr, d->size, p->device_base, p->device_size);
    const struct dimm *o = conflict(machine_of(d), d->addr, d->size);
    return o ? err_set(e, EBUSY, "address range conflicts with memory device id='%s'",
                       device_id(device_of(o->dev)))
             : 0;
}

/* First fit: at the region's start, or right behind another. */
static int choose_place(struct dimm *d, struct tn_err *e)
{
    const struct machine *m = machine_of(d);
    const struct machine_map *p = &m->map;
    uint64_t at = up(p->device_base, unit_of(d));
    for (const struct dimm *o; (o = conflict(m, at, d->size));)
        at = up(o->addr + o->size, unit_of(d));
    if (at - p->device_base > p->device_size || d->size > p->device_size - (at - p->device_base))
        return err_set(e, ENOSPC,
                       "could not find position in guest address space for memory device - memory "
                       "fragmented due to alignments");
    d->addr = at;
    return 0;
}

static int check_total(const struct dimm *d, struct tn_err *e)
{
    const struct machine *m = machine_of(d);
    uint64_t used = dimms_size(m->vm), all = m->maxmem - m->ram;
    return d->size > all - used ? err_set(e, ENOSPC,
                                          "not enough space, currently 0x%" PRIx64
                                          " in use of total space for memory devices 0x%" PRIx64,
                                          used, all)
                                : 0;
}

/* ---- life ---- */

static int check_machine(const struct dimm *d, struct tn_err *e)
{
    const struct machine *m = machine_of(d);
    if (!m->type->mem_hotplug)
        return err_set(e, ENOTSUP,
                       "memory devices (e.g. for memory hotplug) are not supported by the machine");
    if (!m->acpi)
        return err_set(e, ENOTSUP,
                       "memory hotplug is not enabled: missing acpi device or acpi disabled");
    if (!m->slots) /* with slots there is maxmem, too */
        return err_set(e, ENOSPC, "no slots where allocated, please specify the 'slots' option");
    return 0;
}

static int check_backend(struct dimm *d, struct tn_err *e)
{
    const struct machine *m = machine_of(d);
    uint32_t nodes = m->n_nodes ? m->n_nodes : 1;
    if (!d->mem)
        return err_set(e, EINVAL, "'memdev' property must be set");
    if (d->mem->user || d->mem->mapped)
        return err_set(e, EBUSY, "can't use already busy memdev: %s", d->mem->name);
    if (d->mem->flags & TN_MEMF_READONLY)
        return err_set(e, EINVAL, "memory backend '%s' is read-only", d->mem->name);
    if (d->node >= nodes)
        return err_set(e, EINVAL,
                       "'DIMM property node has value %u' which exceeds the number of numa nodes: "
                       "%u",
                       d->node, nodes);
    if (d->mem->len % unit_of(d))
        return err_set(e, EINVAL, "backend memory size must be multiple of 0x%" PRIx64, unit_of(d));
    d->size = d->mem->len;
    return 0;
}

static int place(struct dimm *d, struct tn_err *e)
{
    int err = choose_slot(d, e);
    if (err == 0)
        err = check_total(d, e);
    if (err == 0)
        err = d->addr ? check_place(d, e) : choose_place(d, e);
    if (err < 0)
        return err;
    if (!memory_has_slot(machine_of(d)->vm))
        return err_set(e, ENOSPC, "hypervisor has no free memory slots left");
    return memory_map(machine_of(d)->vm, d->mem, 0, d->addr, d->size, 0, e);
}

static int init(void *p, struct tn_dev *pub)
{
    ((struct dimm *)p)->dev = pub;
    return 0;
}

static int realize(void *p, struct tn_err *e)
{
    struct dimm *d = p;
    struct machine *m = machine_of(d);
    int err = check_machine(d, e);
    if (err == 0)
        err = check_backend(d, e);
    if (err == 0)
        err = place(d, e);
    if (err == 0)
        err = memory_table.claim(d->mem, d->dev, e);
    if (err < 0)
        return err;
    m->dimm[d->slot] = device_of(d->dev);
    d->hot =
        acpi_mem_plugged(m->vm, (uint32_t)d->slot, &(struct mem_module){d->addr, d->size, d->node});
    return 0;
}

static int unplug_request(void *p, struct tn_err *e)
{
    const struct dimm *d = p;
    return acpi_mem_unplug_request(machine_of(d)->vm, (uint32_t)d->slot, e);
}

static void unrealize(void *p)
{
    struct dimm *d = p;
    struct machine *m = machine_of(d);
    acpi_mem_gone(m->vm, (uint32_t)d->slot);
    m->dimm[d->slot] = NULL;
    if (d->mem->mapped)
        memory_unmap(m->vm, d->mem);
}

/* A device may have pointers into it, so all of them come to rest first. */
static int take_away(struct vm *vm, struct dimm *d, struct tn_err *e)
{
    int running = run_state(vm) == RUN_RUNNING;
    int err = running ? devices_quiesce(vm, TN_Q_MEMORY, e) : 0;
    if (err < 0)
        return err;
    memory_take_away(vm, d->mem);
    if (running)
        devices_resume(vm);
    return 0;
}

void dimm_eject(struct vm *vm, uint32_t i)
{
    ERR_AUTO e = {0};
    struct dimm *d = in_slot(vm->machine, i);
    struct device *dev = d ? device_of(d->dev) : NULL;
    if (!d || dev->leaving)
        return;
    dev->leaving = 1;
    int err = dev->busy || dev->holds ? err_set(&e, EBUSY, "Device '%s' is in use", device_id(dev))
                                      : take_away(vm, d, &e);
    if (err == 0) {
        device_leave(dev);
        return;
    }
    dev->leaving = 0;
    acpi_mem_stays(vm, i);
    err_report(&e);
    event_unplug_error(vm, dev);
}

/* ---- for the monitor ---- */

int dimm_at(const struct vm *vm, uint32_t i, struct dimm_info *out)
{
    const struct dimm *d = vm->machine ? in_slot(vm->machine, i) : NULL;
    if (!d)
        return -ENOENT;
    const struct device *dev = device_of(d->dev);
    *out = (struct dimm_info){.dev = dev,
                              .mem = d->mem,
                              .addr = d->addr,
                              .size = d->size,
                              .slot = i,
                              .node = d->node,
                              .hotplugged = (uint32_t)d->hot};
    return 0;
}

uint64_t dimms_size(const struct vm *vm)
{
    uint64_t all = 0;
    for (uint32_t i = 0; vm->machine && i < vm->machine->slots; i++)
        all += in_slot(vm->machine, i) ? in_slot(vm->machine, i)->size : 0;
    return all;
}

static const struct tn_prop props[] = {
    TN_PROP(struct dimm, addr, "addr", U64, 0, NULL),
    TN_PROP_REF(struct dimm, mem, "memdev", MEMDEV, 0, NULL),
    TN_PROP(struct dimm, node, "node", U32, 0, NULL),
    {.name = "size",
     .type = TN_P_U64,
     .flags = TN_PF_READONLY | TN_PF_NODEFAULT,
     .offset = offsetof(struct dimm, size),
     .size = sizeof(uint64_t)},
    TN_PROP(struct dimm, slot, "slot", I32, ANY_SLOT, NULL),
};

static const struct tn_class class_dimm = {.struct_size = sizeof class_dimm,
                                           .flags = TN_C_HOTPLUG,
                                           .kind = TN_K_DEVICE,
                                           .category = TN_CAT_MISC,
                                           .name = "pc-dimm",
                                           .desc = "DIMM memory module",
                                           .instance_size = sizeof(struct dimm),
                                           .props = props,
                                           .nprops = ARRAY_SIZE(props),
                                           .prop_stride = sizeof props[0],
                                           .init = init,
                                           .realize = realize,
                                           .unplug_request = unplug_request,
                                           .unrealize = unrealize};
static const struct tn_class *const classes[] = {&class_dimm, NULL};
const struct tn_plugin dimm_plugin = {.struct_size = sizeof dimm_plugin,
                                      .abi_major = TN_ABI_MAJOR,
                                      .abi_minor = TN_ABI_MINOR,
                                      .id = "pc-dimm",
                                      .version = TENON_VERSION,
                                      .license = "BSD-2-Clause",
                                      .summary = "Memory modules",
                                      .classes = classes};
