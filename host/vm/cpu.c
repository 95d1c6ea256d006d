/* SPDX-License-Identifier: BSD-2-Clause */
#include "cpu.h"

#include "acpi/cpu_hotplug.h"
#include "cpu_model.h"
#include "machine_impl.h"
#include "machine_version.h"
#include "util/alloc.h"
#include "vcpu.h"
#include "vcpu_impl.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/plugin.h>

#define CPU_SUFFIX    "-x86_64-cpu"
#define APIC_ID_UNSET 0xffffffffu
enum { UNSET = -1 };

struct cpu {
    struct tn_dev *dev;
    int32_t socket, die, core, thread, node;
    uint32_t apic_id;
    int32_t index; /* of its slot; UNSET before realize */
};

static struct machine *machine_of(const struct cpu *c)
{
    return device_of(c->dev)->vm->machine;
}

/* ---- slots ---- */

char *cpus_model(const struct machine *m)
{
    const char *given = m->cli->cpu;
    if (!given)
        return xstrdup(m->vm->kvm ? "host" : "max");
    size_t n = strcspn(given, ",");
    return xasprintf("%.*s", (int)n, given);
}

char *cpus_class(const struct machine *m)
{
    AUTO_FREE char *model = cpus_model(m);
    return xasprintf("%s" CPU_SUFFIX, model);
}

uint32_t cpus_present(const struct machine *m)
{
    uint32_t n = 0;
    for (uint32_t i = 0; m->cpu && i < m->max_cpus; i++)
        n += m->cpu[i].dev != NULL;
    return m->cpu ? n : m->cpus;
}

uint32_t cpu_node(const struct machine *m, uint32_t i)
{
    return m->cpu_node ? m->cpu_node[i] : 0;
}

int cpu_index(const struct device *d)
{
    const struct machine *m = d->vm->machine;
    for (uint32_t i = 0; m->cpu && i < m->max_cpus; i++)
        if (m->cpu[i].dev == d)
            return (int)i;
    return -ENOENT;
}

/* Threads vary fastest, sockets slowest. */
static void make_slots(struct machine *m, const struct vcpu_options *o)
{
    const struct cli_smp *s = &m->cli->smp;
    m->cpu = xcalloc(m->max_cpus, sizeof *m->cpu);
    for (uint32_t i = 0; i < m->max_cpus; i++)
        m->cpu[i] = (struct cpu_slot){.apic_id = cpuid_apic_id(o, i),
                                      .thread = i % s->threads,
                                      .core = i / s->threads % s->cores,
                                      .socket = i / s->threads / s->cores};
}

static int add_boot_cpu(struct machine *m, uint32_t i, struct tn_err *e)
{
    AUTO_FREE char *cls = cpus_class(m),
                   *name = xasprintf("unattached/device[%u]", m->vm->unattached++),
                   *id = xasprintf("%u", m->cpu[i].apic_id);
    const struct class_entry *c = registry_class(m->vm->registry, TN_K_DEVICE, cls, e);
    struct device *d = c ? device_new(m->vm, c, NULL, NULL, name, e) : NULL;
    if (!d)
        return -EINVAL;
    int err = device_set(d, "apic-id", id, e);
    if (err == 0)
        err = device_realize(d, NULL, e);
    if (err < 0)
        device_free(d);
    return err;
}

static int choose_model(struct machine *m, struct tn_err *e)
{
    AUTO_FREE char *otherwise = cpus_model(m);
    struct cpu_config *c = xcalloc(1, sizeof *c);
    const char *spec = m->cli->cpu ? m->cli->cpu : otherwise;
    int err = cpuid_config(m->vm->kvm, spec, m->version < MACHINE_VERSION(2, 9, 0), c, e);
    if (err == 0)
        m->cpu_config = c;
    else
        free(c);
    return err;
}

int cpus_create(struct machine *m, struct tn_err *e)
{
    const struct cli_smp *s = &m->cli->smp;
    struct vcpu_options o = {
        .max = m->max_cpus, .cores = s->cores, .threads = s->threads, .sockets = s->sockets};
    if (strcmp(m->type->name, "none") == 0)
        return 0;
    int err = choose_model(m, e);
    if (err < 0)
        return err;
    o.config = m->cpu_config;
    make_slots(m, &o);
    if (m->vm->kvm && !(m->vm->vcpus = vcpus_new(m->vm, &o, e)))
        return -EINVAL;
    for (uint32_t i = 0; i < m->cpus && err == 0; i++)
        err = add_boot_cpu(m, i, e);
    return err;
}

void cpus_free(struct machine *m)
{
    if (m->cpu_config)
        cpu_config_clear(m->cpu_config);
    free(m->cpu_config);
    free(m->cpu);
}

/* ---- which slot a processor goes to ---- */

static int out_of_range(const char *what, int32_t v, uint32_t n, struct tn_err *e)
{
    return err_set(e, EINVAL, "Invalid CPU %s: %d must be in range 0:%u", what, v, n - 1);
}

static int check_place(const struct cpu *c, struct tn_err *e)
{
    const struct cli_smp *s = &machine_of(c)->cli->smp;
    const struct {
        const char *name;
        int32_t v;
        uint32_t n;
    } id[] = {{"socket-id", c->socket, (uint32_t)s->sockets},
              {"die-id", c->die, (uint32_t)s->dies},
              {"core-id", c->core, (uint32_t)s->cores},
              {"thread-id", c->thread, (uint32_t)s->threads}};
    for (size_t i = 0; i < ARRAY_SIZE(id); i++) {
        if (id[i].v < 0)
            return err_set(e, EINVAL, "CPU %s is not set", id[i].name);
        if ((uint32_t)id[i].v >= id[i].n)
            return out_of_range(id[i].name, id[i].v, id[i].n, e);
    }
    return 0;
}

static int fits(const struct cpu *c, const struct cpu_slot *s)
{
    if (c->apic_id != APIC_ID_UNSET)
        return s->apic_id == c->apic_id;
    return s->socket == (uint32_t)c->socket && s->core == (uint32_t)c->core &&
           s->thread == (uint32_t)c->thread;
}

static int find_slot(const struct cpu *c, struct tn_err *e)
{
    const struct machine *m = machine_of(c);
    for (uint32_t i = 0; i < m->max_cpus; i++)
        if (fits(c, &m->cpu[i]))
            return (int)i;
    return err_set(e, EINVAL, "Invalid CPU with APIC ID %u, valid index range 0:%u", c->apic_id,
                   m->max_cpus - 1);
}

/* What was given must agree with the slot; what was not is the slot's. */
static int take_place(struct cpu *c, const struct cpu_slot *s, struct tn_err *e)
{
    struct {
        const char *name;
        int32_t *v;
        uint32_t is;
    } id[] = {{"socket-id", &c->socket, s->socket},
              {"die-id", &c->die, 0},
              {"core-id", &c->core, s->core},
              {"thread-id", &c->thread, s->thread},
              {"node-id", &c->node, cpu_node(machine_of(c), (uint32_t)c->index)}};
    for (size_t i = 0; i < ARRAY_SIZE(id); i++) {
        if (*id[i].v >= 0 && (uint32_t)*id[i].v != id[i].is)
            return err_set(e, EINVAL, "property %s: %d doesn't match set apic-id: 0x%x (%s: %u)",
                           id[i].name, *id[i].v, s->apic_id, id[i].name, id[i].is);
        *id[i].v = (int32_t)id[i].is;
    }
    c->apic_id = s->apic_id;
    return 0;
}

/* ---- life ---- */

static int check_class(const struct cpu *c, struct tn_err *e)
{
    const struct machine *m = machine_of(c);
    struct device *d = device_of(c->dev);
    AUTO_FREE char *want = cpus_class(m);
    if (!m->cpu || (!m->vm->cold && !m->type->cpu_hotplug))
        return err_set(e, ENOTSUP, "Device '%s' can not be hotplugged on this machine",
                       d->entry->name);
    return strcmp(want, d->entry->name) == 0
               ? 0
               : err_set(e, EINVAL, "Invalid CPU type, expected cpu type: '%s'", want);
}

static int init(void *p, struct tn_dev *d)
{
    struct cpu *c = p;
    c->dev = d;
    c->index = UNSET;
    return 0;
}

static int choose_slot(struct cpu *c, struct tn_err *e)
{
    struct machine *m = machine_of(c);
    int err = check_class(c, e);
    if (c->die < 0)
        c->die = 0; /* there is one only: it need not be said */
    if (err == 0 && c->apic_id == APIC_ID_UNSET)
        err = check_place(c, e);
    int i = err < 0 ? err : find_slot(c, e);
    if (i < 0)
        return i;
    if (m->cpu[i].dev)
        return err_set(e, EEXIST, "CPU[%d] with APIC ID %u exists", i, m->cpu[i].apic_id);
    c->index = i;
    err = take_place(c, &m->cpu[i], e);
    return err < 0 ? err : i;
}

static int realize(void *p, struct tn_err *e)
{
    struct cpu *c = p;
    struct machine *m = machine_of(c);
    int i = choose_slot(c, e);
    if (i < 0)
        return i;
    int err = m->vm->vcpus ? vcpus_add(m->vm, (uint32_t)i, e) : 0;
    if (err < 0)
        return err;
    m->cpu[i].dev = device_of(c->dev);
    acpi_cpu_plugged(m->vm, (uint32_t)i);
    return 0;
}

static int unplug_request(void *p, struct tn_err *e)
{
    const struct cpu *c = p;
    struct vm *vm = machine_of(c)->vm;
    if (c->index == 0)
        return err_set(e, EBUSY, "Boot CPU is unpluggable");
    return acpi_cpu_unplug_request(vm, (uint32_t)c->index, e);
}

static void unrealize(void *p)
{
    const struct cpu *c = p;
    struct machine *m = machine_of(c);
    uint32_t i = (uint32_t)c->index;
    m->cpu[i].dev = NULL;
    acpi_cpu_gone(m->vm, i);
    if (m->vm->vcpus)
        vcpus_remove(m->vm, i);
}

static const struct tn_prop props[] = {
    TN_PROP(struct cpu, socket, "socket-id", I32, UNSET, NULL),
    TN_PROP(struct cpu, die, "die-id", I32, UNSET, NULL),
    TN_PROP(struct cpu, core, "core-id", I32, UNSET, NULL),
    TN_PROP(struct cpu, thread, "thread-id", I32, UNSET, NULL),
    TN_PROP(struct cpu, apic_id, "apic-id", U32, APIC_ID_UNSET, NULL),
    TN_PROP(struct cpu, node, "node-id", I32, UNSET, NULL),
};

#define CPU_CLASS(model, text)                                       \
    &(const struct tn_class){.struct_size = sizeof(struct tn_class), \
                             .flags = TN_C_HOTPLUG,                  \
                             .kind = TN_K_DEVICE,                    \
                             .category = TN_CAT_CPU,                 \
                             .name = model CPU_SUFFIX,               \
                             .desc = text,                           \
                             .instance_size = sizeof(struct cpu),    \
                             .props = props,                         \
                             .nprops = ARRAY_SIZE(props),            \
                             .prop_stride = sizeof props[0],         \
                             .init = init,                           \
                             .realize = realize,                     \
                             .unplug_request = unplug_request,       \
                             .unrealize = unrealize},
#define MODEL(name, base, vendor, family, model, stepping, level, xlevel, brand, features) \
    CPU_CLASS(name, brand) CPU_CLASS(name "-v1", brand)
#define VERSION(name, brand, features)     CPU_CLASS(name, brand)
#define NAMED(name, also, brand, features) CPU_CLASS(name, brand) CPU_CLASS(also, brand)

static const struct tn_class *const classes[] = {
    CPU_CLASS("host", "processor with all that KVM has here")
        CPU_CLASS("max", "processor with all that the accelerator has")
            CPU_CLASS("base", "processor with no feature by itself")
#include "cpu_models.def"
                NULL};
const struct tn_plugin cpu_plugin = {.struct_size = sizeof cpu_plugin,
                                     .abi_major = TN_ABI_MAJOR,
                                     .abi_minor = TN_ABI_MINOR,
                                     .id = "cpu",
                                     .version = TENON_VERSION,
                                     .license = "BSD-2-Clause",
                                     .summary = "Processors",
                                     .classes = classes};
