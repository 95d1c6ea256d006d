/* SPDX-License-Identifier: BSD-2-Clause */
/* The registers of mem_regs.h as a device: its ports, its event, and what ejects. */
#include "mem_hotplug.h"

#include "acpi/machine.h"
#include "acpi_host.h"
#include "core/loop.h"
#include "monitor/cmd_acpi.h"
#include "plug_host.h"
#include "plug_state.h"
#include "util/alloc.h"
#include "vm/dimm.h"
#include "vm/machine.h"
#include "vm/space.h"
#include <errno.h>
#include <string.h>
#include <tenon/plugin.h>

enum { MAX_SLOTS = 256 }; /* cli/machine_opts.c */

struct acpi_mem_hotplug {
    struct plug_host host;
    uint32_t base;
    struct mem_regs regs;
    struct plug_slot slot[MAX_SLOTS];
    struct mem_module module[MAX_SLOTS];
    uint8_t ejected[MAX_SLOTS]; /* atomic: the guest let go, and the main loop has not seen to it */
    struct tn_bh *eject;
};

static struct acpi_mem_hotplug *of(struct vm *vm)
{
    return vm->machine ? vm->machine->mem_plug : NULL;
}

static struct machine *machine_of(const struct acpi_mem_hotplug *s)
{
    return device_of(s->host.dev)->vm->machine;
}

/* ---- what the guest asks for ---- */

static int want_eject(void *opaque, uint32_t i)
{
    struct acpi_mem_hotplug *s = opaque;
    __atomic_store_n(&s->ejected[i], 1, __ATOMIC_RELEASE);
    bh_kick(s->eject);
    return 1;
}

/* Main loop, without the lock: memory goes only while every device rests. */
static void eject_all(void *p)
{
    struct acpi_mem_hotplug *s = p;
    for (uint32_t i = 0; i < s->regs.n; i++)
        if (__atomic_exchange_n(&s->ejected[i], 0, __ATOMIC_ACQ_REL))
            dimm_eject(device_of(s->host.dev)->vm, i);
}

static void report_ost(void *opaque, uint32_t i)
{
    struct acpi_mem_hotplug *s = opaque;
    const struct device *d = machine_of(s)->dimm[i];
    event_device_ost(device_of(s->host.dev)->vm, OST_DIMM, i, d ? d->id : NULL, &s->slot[i]);
}

static const struct plug_env env = {want_eject, report_ost};

/* ---- ports ---- */

static uint64_t read_regs(void *p, uint64_t off, uint32_t size)
{
    struct acpi_mem_hotplug *s = p;
    return mem_regs_read(&s->regs, off, size);
}

static void write_regs(void *p, uint64_t off, uint64_t v, uint32_t size)
{
    struct acpi_mem_hotplug *s = p;
    mem_regs_write(&s->regs, off, size, (uint32_t)v);
}

static const struct tn_region_ops ops = {.struct_size = sizeof ops,
                                         .valid_min = 1,
                                         .valid_max = 4,
                                         .read = read_regs,
                                         .write = write_regs};

/* ---- what the machine tells ---- */

static void fill(struct acpi_mem_hotplug *s, uint32_t i, struct mem_module m)
{
    struct domain *domain = device_of(s->host.dev)->domain;
    int entered = domain_enter(domain);
    s->module[i] = m;
    domain_leave(domain, entered);
}

int acpi_mem_plugged(struct vm *vm, uint32_t i, const struct mem_module *m)
{
    struct acpi_mem_hotplug *s = of(vm);
    if (!s)
        return 0;
    fill(s, i, *m);
    return plug_host_came(&s->host, i);
}

int acpi_mem_unplug_request(struct vm *vm, uint32_t i, struct tn_err *e)
{
    struct acpi_mem_hotplug *s = of(vm);
    if (!s)
        return err_set(e, ENOTSUP,
                       "memory hotplug is not enabled: missing acpi device or acpi disabled");
    plug_host_ask(&s->host, i);
    return 0;
}

void acpi_mem_gone(struct vm *vm, uint32_t i)
{
    struct acpi_mem_hotplug *s = of(vm);
    if (!s)
        return;
    plug_host_gone(&s->host, i);
    fill(s, i, (struct mem_module){0});
}

void acpi_mem_stays(struct vm *vm, uint32_t i)
{
    struct acpi_mem_hotplug *s = of(vm);
    struct domain *domain = device_of(s->host.dev)->domain;
    int entered = domain_enter(domain);
    s->slot[i].present = 1;
    domain_leave(domain, entered);
}

int acpi_mem_slot(struct vm *vm, uint32_t i, struct plug_slot *out)
{
    const struct acpi_mem_hotplug *s = of(vm);
    if (!s || i >= s->regs.n)
        return -ENOENT;
    *out = plug_host_slot(&s->host, i);
    return 0;
}

/* ---- life ---- */

static int init(void *p, struct tn_dev *d)
{
    ((struct acpi_mem_hotplug *)p)->host.dev = d;
    return 0;
}

static int realize(void *p, struct tn_err *e)
{
    struct acpi_mem_hotplug *s = p;
    struct device *d = device_of(s->host.dev);
    struct machine *m = machine_of(s);
    const struct plug_ports ports = {.base = s->base,
                                     .len = MEM_REGS_LEN,
                                     .name = "acpi-mem-hotplug",
                                     .event = "memory-hotplug",
                                     .method = ACPI_MEM_SCAN,
                                     .ops = &ops,
                                     .self = s};
    if (!m->dimm || m->slots > MAX_SLOTS || m->mem_plug)
        return err_set(e, EINVAL, "this machine has no place for '%s'", d->entry->name);
    s->regs = (struct mem_regs){
        .n = m->slots, .slot = s->slot, .module = s->module, .env = &env, .opaque = s};
    s->host.slot = s->slot;
    int err = plug_host_realize(&s->host, &ports, e);
    if (err < 0)
        return err;
    s->eject = bh_new(d->vm->main, NULL, 0, eject_all, s);
    m->mem_plug = s;
    return 0;
}

static void reset(void *p, uint32_t kind, uint32_t phase)
{
    struct acpi_mem_hotplug *s = p;
    (void)kind;
    if (phase != TN_RESET_ENTER)
        return;
    mem_regs_reset(&s->regs);
    plug_host_reset(&s->host, s->regs.n);
}

static void unrealize(void *p)
{
    struct acpi_mem_hotplug *s = p;
    machine_of(s)->mem_plug = NULL;
    bh_del(s->eject);
}

/* ---- state ---- */

static const struct tn_field fields[] = {
    TN_FIELD_ROW(struct acpi_mem_hotplug, regs.selector, "selector", U32, 1),
    PLUG_SLOTS(struct acpi_mem_hotplug, slot, regs.n, MAX_SLOTS),
};

static int loaded(void *p, uint32_t version, struct tn_err *e)
{
    struct acpi_mem_hotplug *s = p;
    uint32_t n = s->regs.n, have = machine_of(s)->slots;
    (void)version;
    s->regs.n = have;
    return n == have ? 0
                     : err_set(e, EINVAL, "the state is of a machine with %u memory slots, not %u",
                               n, have);
}

static const struct tn_state state = {.struct_size = sizeof state,
                                      .version = 1,
                                      .min_version = 1,
                                      .name = "acpi-mem-hotplug",
                                      .fields = fields,
                                      .nfields = ARRAY_SIZE(fields),
                                      .field_stride = sizeof fields[0],
                                      .post_load = loaded};

static const struct tn_prop props[] = {
    TN_PROP(struct acpi_mem_hotplug, base, "base", U32, 0, "first of its 24 I/O ports"),
};

static const struct tn_class class_hotplug = {
    .struct_size = sizeof class_hotplug,
    .flags = TN_C_INTERNAL,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_MISC,
    .name = "acpi-mem-hotplug",
    .desc = "registers for memory modules that come and go",
    .instance_size = sizeof(struct acpi_mem_hotplug),
    .props = props,
    .nprops = ARRAY_SIZE(props),
    .prop_stride = sizeof props[0],
    .state = &state,
    .init = init,
    .realize = realize,
    .reset = reset,
    .unrealize = unrealize,
};
static const struct tn_class *const classes[] = {&class_hotplug, NULL};
const struct tn_plugin acpi_mem_plugin = {.struct_size = sizeof acpi_mem_plugin,
                                          .abi_major = TN_ABI_MAJOR,
                                          .abi_minor = TN_ABI_MINOR,
                                          .id = "acpi-mem-hotplug",
                                          .version = TENON_VERSION,
                                          .license = "BSD-2-Clause",
                                          .summary = "Hotplug of memory",
                                          .classes = classes};
