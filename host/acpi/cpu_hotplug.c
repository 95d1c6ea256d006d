/* SPDX-License-Identifier: BSD-2-Clause */
/* The registers of cpu_regs.h as a device: its ports, its event, and what ejects. */
#include "cpu_hotplug.h"

#include "acpi/machine.h"
#include "acpi_host.h"
#include "core/loop.h"
#include "cpu_regs.h"
#include "monitor/cmd_acpi.h"
#include "plug_host.h"
#include "plug_state.h"
#include "util/alloc.h"
#include "vm/cpu.h"
#include "vm/machine.h"
#include "vm/space.h"
#include <errno.h>
#include <string.h>
#include <tenon/plugin.h>

enum { MAX_CPUS = 512 }; /* more than any machine has */

struct acpi_cpu_hotplug {
    struct plug_host host;
    uint32_t base;
    struct cpu_regs regs;
    struct plug_slot slot[MAX_CPUS];
    uint32_t apic_id[MAX_CPUS];
    uint8_t ejected[MAX_CPUS]; /* the guest let go, and the main loop has not seen to it yet */
    struct tn_bh *eject;
};

static struct acpi_cpu_hotplug *of(struct vm *vm)
{
    return vm->machine ? vm->machine->cpu_plug : NULL;
}

static struct machine *machine_of(const struct acpi_cpu_hotplug *s)
{
    return device_of(s->host.dev)->vm->machine;
}

/* ---- what the guest asks for ---- */

/* The boot processor stays, whatever the guest writes. */
static int want_eject(void *opaque, uint32_t i)
{
    struct acpi_cpu_hotplug *s = opaque;
    if (i == 0)
        return 0;
    s->ejected[i] = 1;
    bh_kick(s->eject);
    return 1;
}

static void eject_one(struct acpi_cpu_hotplug *s, uint32_t i)
{
    struct device *d = machine_of(s)->cpu[i].dev;
    if (!d || d->leaving)
        return;
    d->leaving = 1;
    device_leave(d);
}

/* Main loop, with the lock. */
static void eject_all(void *p)
{
    struct acpi_cpu_hotplug *s = p;
    for (uint32_t i = 0; i < s->regs.n; i++) {
        if (s->ejected[i])
            eject_one(s, i);
        s->ejected[i] = 0;
    }
}

static void report_ost(void *opaque, uint32_t i)
{
    struct acpi_cpu_hotplug *s = opaque;
    const struct device *d = machine_of(s)->cpu[i].dev;
    event_device_ost(device_of(s->host.dev)->vm, OST_CPU, i, d ? d->id : NULL, &s->slot[i]);
}

static const struct plug_env env = {want_eject, report_ost};

/* ---- ports ---- */

static uint64_t read_regs(void *p, uint64_t off, uint32_t size)
{
    struct acpi_cpu_hotplug *s = p;
    return cpu_regs_read(&s->regs, off, size);
}

static void write_regs(void *p, uint64_t off, uint64_t v, uint32_t size)
{
    struct acpi_cpu_hotplug *s = p;
    cpu_regs_write(&s->regs, off, size, (uint32_t)v);
}

static const struct tn_region_ops ops = {.struct_size = sizeof ops,
                                         .valid_min = 1,
                                         .valid_max = 4,
                                         .read = read_regs,
                                         .write = write_regs};

/* ---- what the machine tells ---- */

void acpi_cpu_plugged(struct vm *vm, uint32_t i)
{
    struct acpi_cpu_hotplug *s = of(vm);
    if (s)
        plug_host_came(&s->host, i);
}

int acpi_cpu_unplug_request(struct vm *vm, uint32_t i, struct tn_err *e)
{
    struct acpi_cpu_hotplug *s = of(vm);
    if (!s || !s->host.event)
        return err_set(e, ENOTSUP, "CPU hot unplug not supported without ACPI");
    plug_host_ask(&s->host, i);
    return 0;
}

void acpi_cpu_gone(struct vm *vm, uint32_t i)
{
    struct acpi_cpu_hotplug *s = of(vm);
    if (s)
        plug_host_gone(&s->host, i);
}

int acpi_cpu_slot(struct vm *vm, uint32_t i, struct plug_slot *out)
{
    const struct acpi_cpu_hotplug *s = of(vm);
    if (!s || i >= s->regs.n)
        return -ENOENT;
    *out = plug_host_slot(&s->host, i);
    return 0;
}

/* ---- life ---- */

static int init(void *p, struct tn_dev *d)
{
    ((struct acpi_cpu_hotplug *)p)->host.dev = d;
    return 0;
}

static void fill_slots(struct acpi_cpu_hotplug *s, const struct machine *m)
{
    s->regs = (struct cpu_regs){
        .n = m->max_cpus, .slot = s->slot, .apic_id = s->apic_id, .env = &env, .opaque = s};
    for (uint32_t i = 0; i < m->max_cpus; i++) {
        s->slot[i].present = m->cpu[i].dev != NULL;
        s->apic_id[i] = m->cpu[i].apic_id;
    }
}

static int realize(void *p, struct tn_err *e)
{
    struct acpi_cpu_hotplug *s = p;
    struct device *d = device_of(s->host.dev);
    struct machine *m = machine_of(s);
    const struct plug_ports ports = {.base = s->base,
                                     .len = CPU_REGS_LEN,
                                     .name = "acpi-cpu-hotplug",
                                     .event = "cpu-hotplug",
                                     .method = ACPI_CPU_SCAN,
                                     .ops = &ops,
                                     .self = s};
    if (!m->cpu || m->max_cpus > MAX_CPUS || m->cpu_plug)
        return err_set(e, EINVAL, "this machine has no place for '%s'", d->entry->name);
    fill_slots(s, m);
    s->eject = bh_new(d->vm->main, d, 0, eject_all, s);
    s->host.slot = s->slot;
    int err = plug_host_realize(&s->host, &ports, e);
    if (err == 0)
        m->cpu_plug = s;
    return err;
}

static void reset(void *p, uint32_t kind, uint32_t phase)
{
    struct acpi_cpu_hotplug *s = p;
    (void)kind;
    if (phase != TN_RESET_ENTER)
        return;
    cpu_regs_reset(&s->regs);
    plug_host_reset(&s->host, s->regs.n);
}

static void unrealize(void *p)
{
    struct acpi_cpu_hotplug *s = p;
    machine_of(s)->cpu_plug = NULL;
}

/* ---- state ---- */

static const struct tn_field fields[] = {
    TN_FIELD_ROW(struct acpi_cpu_hotplug, regs.selector, "selector", U32, 1),
    TN_FIELD_ROW(struct acpi_cpu_hotplug, regs.command, "command", U8, 1),
    PLUG_SLOTS(struct acpi_cpu_hotplug, slot, regs.n, MAX_CPUS),
};

static int loaded(void *p, uint32_t version, struct tn_err *e)
{
    struct acpi_cpu_hotplug *s = p;
    uint32_t n = s->regs.n, have = machine_of(s)->max_cpus;
    (void)version;
    s->regs.n = have;
    s->regs.command %= CPU_CMDS;
    return n == have
               ? 0
               : err_set(e, EINVAL, "the state is of a machine with maxcpus=%u, not %u", n, have);
}

static const struct tn_state state = {.struct_size = sizeof state,
                                      .version = 1,
                                      .min_version = 1,
                                      .name = "acpi-cpu-hotplug",
                                      .fields = fields,
                                      .nfields = ARRAY_SIZE(fields),
                                      .field_stride = sizeof fields[0],
                                      .post_load = loaded};

static const struct tn_prop props[] = {
    TN_PROP(struct acpi_cpu_hotplug, base, "base", U32, 0, "first of its 12 I/O ports"),
};

static const struct tn_class class_hotplug = {
    .struct_size = sizeof class_hotplug,
    .flags = TN_C_INTERNAL,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_CPU,
    .name = "acpi-cpu-hotplug",
    .desc = "registers for processors that come and go",
    .instance_size = sizeof(struct acpi_cpu_hotplug),
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
const struct tn_plugin acpi_cpu_plugin = {.struct_size = sizeof acpi_cpu_plugin,
                                          .abi_major = TN_ABI_MAJOR,
                                          .abi_minor = TN_ABI_MINOR,
                                          .id = "acpi-cpu-hotplug",
                                          .version = TENON_VERSION,
                                          .license = "BSD-2-Clause",
                                          .summary = "Hotplug of processors",
                                          .classes = classes};
