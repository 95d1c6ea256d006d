/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine.h"

#include "acpi/acpi_host.h"
#include "backend/input_host.h"
#include "boot/boot.h"
#include "boot/fdt_host.h"
#include "cli/kvtree.h"
#include "core/bus.h"
#include "core/fwcfg_host.h"
#include "core/loop.h"
#include "core/trace_host.h"
#include "cpu.h"
#include "hmat.h"
#include "irq.h"
#include "kvm.h"
#include "machine_impl.h"
#include "machine_version.h"
#include "memory.h"
#include "pci/pci_host.h"
#include "run.h"
#include "space.h"
#include "util/alloc.h"
#include "util/buf.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint32_t machine_max_cpus(const struct vm *vm)
{
    return vm->machine->max_cpus;
}

/* ---- options ---- */

static const char *const common_keys[] = {
    "type", "acpi", "i8042", "memory-backend", "dumpdtb", "phandle-start", "memory-encryption",
    NULL};

static int among(const char *const *list, const char *key)
{
    for (; *list; list++)
        if (strcmp(*list, key) == 0)
            return 1;
    return 0;
}

const char *machine_option(const struct machine *m, const char *key)
{
    return kv_text(m->cli->machine, key);
}

int machine_switch(const struct machine *m, const char *key, int otherwise)
{
    const char *v = machine_option(m, key);
    return !v || strcmp(v, "auto") == 0
               ? otherwise
               : strcmp(v, "on") == 0 || strcmp(v, "yes") == 0 || strcmp(v, "true") == 0;
}

static int is_switch(const char *v)
{
    static const char *const words[] = {"on", "off", "auto", "yes", "no", "true", "false", NULL};
    return v && among(words, v);
}

/* What cannot be had here is refused when it is asked for, and accepted when it is declined. */
static int refuse_on(const struct machine *m, const char *key, const char *why, struct tn_err *e)
{
    return machine_switch(m, key, 0) ? err_set(e, ENOTSUP, "-M %s=on: %s", key, why) : 0;
}

static int check_keys(const struct machine *m, struct tn_err *e)
{
    const struct kv_node *o = m->cli->machine;
    for (size_t i = 0; o && i < o->n_child; i++) {
        const char *key = o->child[i]->key;
        if (!among(common_keys, key) && !among(m->type->keys, key))
            return err_set(e, ENOENT, "Property '%s-machine.%s' not found", m->type->name, key);
    }
    static const char *const switches[] = {
        "acpi", "i8042", "rtc",  "pit",        "pic",        "usb",
        "cxl",  "hpet",  "pcie", "isa-serial", "fd-bootchk", "auto-kernel-cmdline",
        "hmat", NULL};
    for (const char *const *s = switches; *s; s++)
        if (machine_option(m, *s) && !is_switch(machine_option(m, *s)))
            return err_set(e, EINVAL, "-M %s=%s: 'on', 'off' or 'auto' is expected", *s,
                           machine_option(m, *s));
    static const char *const absent[] = {"pit", "pic",    "usb",     "cxl",    "hpet", "pcie",
                                         "smm", "vmport", "ioapic2", "nvdimm", NULL};
    for (const char *const *s = absent; *s; s++)
        if (refuse_on(m, *s, "this machine has none", e) < 0)
            return -ENOTSUP;
    if (!machine_switch(m, "rtc", 1))
        return err_set(
            e, EINVAL,
            "-M rtc=off: the real-time clock cannot be switched off; leave its plugin out instead");
    const char *chip = machine_option(m, "kernel-irqchip") ? machine_option(m, "kernel-irqchip")
                                                           : machine_option(m, "kernel_irqchip");
    if (chip && strcmp(chip, "split") != 0)
        return err_set(e, ENOTSUP, "-M kernel-irqchip=%s: only 'split' can be had", chip);
    return 0;
}

static int read_size(struct machine *m, struct tn_err *e)
{
    const struct cli_memory *o = &m->cli->memory;
    m->ram = o->given ? o->size : m->type->default_ram;
    m->maxmem = o->maxmem ? o->maxmem : m->ram;
    m->slots = (uint32_t)o->slots;
    if (m->maxmem < m->ram)
        return err_set(e, EINVAL,
                       "invalid value of maxmem: 0x%" PRIx64 " is less than the initial 0x%" PRIx64,
                       m->maxmem, m->ram);
    if (m->ram & 4095)
        return err_set(e, EINVAL, "-m: 0x%" PRIx64 " is not a multiple of 4096", m->ram);
    if (m->maxmem > (uint64_t)1 << 46)
        return err_set(e, EINVAL, "-m: 0x%" PRIx64 " is more than a machine can have", m->maxmem);
    if (m->cli->kernel && m->ram < (uint64_t)1 << 20)
        return err_set(e, EINVAL, "-m: 0x%" PRIx64 " bytes are too little for a kernel", m->ram);
    return 0;
}

static int read_cpus(struct machine *m, struct tn_err *e)
{
    struct cli_smp_limits l = {.machine = m->type->name,
                               .max_cpus = machine_version_max_cpus(m->type, m->version)};
    char *text = NULL;
    if (cli_smp_check(&m->cli->smp, &l, &text) < 0) {
        err_set(e, EINVAL, "%s", text);
        free(text);
        return -EINVAL;
    }
    m->cpus = m->cli->smp.cpus;
    m->max_cpus = m->cli->smp.maxcpus;
    return 0;
}

/* -rtc base=, clock=: what the guest's clock says at start, and on which clock it goes on. */
static int read_rtc(struct machine *m, struct tn_err *e)
{
    const struct cli_rtc *r = &m->cli->rtc;
    m->rtc_clock = r->clock == CLI_RTC_VM         ? TN_CLK_VM
                   : r->clock == CLI_RTC_REALTIME ? TN_CLK_REAL
                                                  : TN_CLK_HOST;
    m->rtc_slew = r->driftfix_slew;
    int64_t now = (int64_t)clock_now(&m->vm->clock, m->rtc_clock),
            host = (int64_t)clock_now(&m->vm->clock, TN_CLK_HOST);
    int64_t want = host;
    if (r->base == CLI_RTC_DATE && __builtin_mul_overflow(r->date, 1000000000, &want))
        return err_set(e, ERANGE, "-rtc base=: only dates from 1678 to 2261 can be kept");
    if (r->base == CLI_RTC_LOCALTIME) {
        time_t t = (time_t)(host / 1000000000);
        struct tm tm;
        want = host + (localtime_r(&t, &tm) ? tm.tm_gmtoff * 1000000000LL : 0);
    }
    if (__builtin_sub_overflow(want, now, &m->rtc_offset_ns))
        return err_set(e, ERANGE, "-rtc base=: only dates from 1678 to 2261 can be kept");
    m->rtc_base_ns = m->rtc_offset_ns;
    return 0;
}

/* Exactly one of the ACPI device and the keyboard controller, unless the user says otherwise. */
static void read_features(struct machine *m)
{
    m->acpi = (m->type->flags & TN_MF_ACPI) && machine_switch(m, "acpi", 1);
    m->i8042 = (m->type->flags & TN_MF_ACPI) && machine_switch(m, "i8042", !m->acpi);
    m->auto_cmdline = (uint32_t)machine_switch(m, "auto-kernel-cmdline", 1);
    m->flags = m->type->flags & ~(uint32_t)(m->acpi ? 0 : TN_MF_ACPI);
    if (m->vm->clock.manual)
        m->flags = (m->flags & ~(uint32_t)TN_MF_SPLIT_IRQCHIP) | TN_MF_QTEST;
}

/* ---- creation ---- */

static void serve_roles(struct vm *vm, const struct machine *m)
{
    if (m->acpi) {
        vm->acpi = acpi_host_new(vm);
        vm_serve(vm, TN_ACPI_1, &acpi_host_table);
    }
    if (m->type->flags & TN_MF_FDT) {
        vm->fdt = fdt_host_new(vm);
        vm_serve(vm, TN_FDT_1, &fdt_table);
    }
    if (m->type->flags & TN_MF_FWCFG) {
        vm->fwcfg = fwcfg_host_new(vm);
        vm_serve(vm, TN_FWCFG_1, &fwcfg_table);
    }
    vm->inputs = inputs_new(vm);
}

static int make_modules(struct vm *vm, struct machine *m, struct tn_err *e)
{
    if (!vm->clock.manual && strcmp(m->type->name, "none") != 0 && !(vm->kvm = kvm_new(vm, e)))
        return -ENODEV;
    vm->memory = memory_new(vm);
    vm->pio = space_new(vm, TN_SPACE_PIO, 0xffff);
    vm->mmio = space_new(vm, TN_SPACE_MMIO, ~(uint64_t)0);
    vm->irqs = irqs_new(vm);
    if (!vm->tracer)
        vm->tracer = tracer_new(vm);
    serve_roles(vm, m);
    return 0;
}

int machine_create(struct vm *vm, const struct cli_options *cli, struct tn_err *e)
{
    const char *name = kv_text(cli->machine, "type");
    struct machine *m = XNEW(struct machine);
    vm->machine = m;
    m->vm = vm;
    m->cli = cli;
    m->kernel_fd = m->initrd_fd = -1;
    m->version = machine_version_newest(cli);
    m->type =
        name ? machine_version_find(name, m->version, &m->version) : machine_type_default(cli);
    if (!m->type) {
        err_set(e, ENOENT, "unsupported machine type \"%s\"", name);
        err_hint(e, "Use -machine help to list supported machines");
        return -ENOENT;
    }
    int err = check_keys(m, e);
    if (err == 0)
        err = read_size(m, e);
    if (err == 0)
        err = read_cpus(m, e);
    if (err == 0)
        err = read_rtc(m, e);
    if (err < 0)
        return err;
    read_features(m);
    m->type->map(m);
    struct run_options o = {.no_reboot = cli->actions.reboot == CLI_REBOOT_SHUTDOWN,
                            .no_shutdown = cli->actions.shutdown == CLI_SHUTDOWN_PAUSE,
                            .paused = cli->start_paused,
                            .panic_action = (enum run_panic)cli->actions.panic,
                            .watchdog_action = (enum run_watchdog)cli->actions.watchdog};
    vm->run = run_new(vm, &o);
    return make_modules(vm, m, e);
}

void machine_free(struct machine *m)
{
    if (!m)
        return;
    if (m->isa)
        bus_free(m->isa);
    machine_mmio_free(m);
    mem_free(m->own_ram);
    mem_free(m->rom);
    if (m->firmware)
        boot_firmware_unmap(m->firmware);
    free(m->firmware);
    close_fd(&m->kernel_fd);
    close_fd(&m->initrd_fd);
    machine_hooks_free(m);
    free(m->cpu_node);
    cpus_free(m);
    kv_free(m->more_numa);
    free(m->dimm);
    dump_job_free(m->dump);
    free(m->distances);
    hmat_free(m->hmat);
    free(m);
}

static const struct tn_bus_type isa_type = {.struct_size = sizeof isa_type, .name = "ISA"};

/* As QEMU's paths have it: some are of the machine or of its host bridge, others go by number. */
static char *own_name(struct vm *vm, const char *cls)
{
    const struct tn_bus *root = vm->pci ? pci_root_bus(vm) : NULL;
    if (strcmp(cls, "fw_cfg_io") == 0)
        return xstrdup("fw_cfg");
    if (root && (strcmp(cls, "mch") == 0 || strcmp(cls, "ioapic") == 0))
        return xasprintf("%s/%s", strcmp(root->name, "pcie.0") == 0 ? "q35" : "i440fx", cls);
    return xasprintf("unattached/device[%u]", vm->unattached++);
}

struct device *machine_add_device(struct machine *m, const char *cls, const char *name,
                                  const char *const *props, struct tn_err *e)
{
    const struct class_entry *c = registry_class(m->vm->registry, TN_K_DEVICE, cls, e);
    struct tn_bus *b = c && c->cls->bus ? bus_for(m->vm, c, NULL, e) : NULL;
    if (!c || (c->cls->bus && !b))
        return NULL;
    struct device *d = device_new(m->vm, c, NULL, NULL, name, e);
    int err = d ? 0 : -EINVAL;
    for (const char *const *p = props; p && p[0] && err == 0; p += 2)
        err = device_set(d, p[0], p[1], e);
    if (err == 0 && (err = device_realize(d, b, e)) < 0)
        err_prefix(e, "%s: ", cls);
    if (d && err < 0)
        device_free(d);
    return err < 0 ? NULL : d;
}

/* Nothing, where it was left out of this build. */
static int add_own(struct vm *vm, const struct machine_device *w, struct tn_err *e)
{
    if (!registry_peek(vm->registry, TN_K_DEVICE, w->cls))
        return 0;
    AUTO_FREE char *name = own_name(vm, w->cls);
    return machine_add_device(vm->machine, w->cls, name, w->props, e) ? 0 : -EINVAL;
}

/* -serial: port n is the nth isa-serial. */
static int add_serials(struct machine *m, struct tn_err *e)
{
    for (size_t i = 0; i < m->cli->serials.n; i++) {
        const char *chardev = kv_text(m->cli->serials.v[i].kv, "chardev");
        if (!chardev || strcmp(m->type->name, "none") == 0)
            continue;
        if (!registry_peek(m->vm->registry, TN_K_DEVICE, "isa-serial"))
            return err_set(e, ENOENT, "-serial: this build has no isa-serial");
        AUTO_FREE char *index = xasprintf("%zu", i);
        const char *props[] = {"index", index, "chardev", chardev, NULL};
        int err = add_own(m->vm, &(struct machine_device){"isa-serial", NULL, props}, e);
        if (err < 0)
            return err;
        m->n_serial++;
    }
    return 0;
}

/* The registers by which ACPI tells of what comes and goes, if anything can. */
static int add_hotplug(struct machine *m, const char *cls, uint16_t port, struct tn_err *e)
{
    AUTO_FREE char *base = xasprintf("%u", port);
    const char *props[] = {"base", base, NULL};
    return add_own(m->vm, &(struct machine_device){cls, NULL, props}, e);
}

static int add_hotplugs(struct machine *m, struct tn_err *e)
{
    int err = 0;
    if (m->acpi && m->type->cpu_hotplug && m->max_cpus > 1)
        err = add_hotplug(m, "acpi-cpu-hotplug", m->type->cpu_hotplug, e);
    if (err == 0 && m->acpi && m->type->mem_hotplug && m->dimm)
        err = add_hotplug(m, "acpi-mem-hotplug", m->type->mem_hotplug, e);
    return err;
}

int machine_populate(struct vm *vm, struct tn_err *e)
{
    struct machine *m = vm->machine;
    int err = machine_memory(m, e);
    if (err == 0)
        err = cpus_create(m, e);
    if (err == 0)
        err = machine_event(vm, TN_ON_OPTIONS, 0, e);
    if (err < 0)
        return err;
    if (m->type->flags & TN_MF_ACPI)
        m->isa = bus_new(vm, NULL, &isa_type, "isa.0", NULL, NULL, e);
    if ((err = machine_mmio_slots(m, e)) < 0)
        return err;
    if ((m->type->flags & TN_MF_PCIE || m->type->pci) &&
        !(vm->pci = pci_host_new(vm, m->map.ecam_base, e)))
        return -EINVAL;
    for (const struct machine_device *w = m->type->devices; w->cls && err == 0; w++)
        if (!w->wanted || w->wanted(m))
            err = add_own(vm, w, e);
    if (err == 0)
        err = add_hotplugs(m, e);
    return err < 0 ? err : add_serials(m, e);
}

int machine_finish(struct vm *vm, struct tn_err *e)
{
    static const struct machine_device ioapic = {"ioapic", NULL, NULL};
    int err = 0;
    int pins = vm->machine->map.ioapic_base && irq_any_line(vm);
    if (pins && vm->kvm && !registry_peek(vm->registry, TN_K_DEVICE, ioapic.cls))
        log_line(LOG_WARN, "this build has no ioapic: interrupts of pins go nowhere");
    if (pins)
        err = add_own(vm, &ioapic, e);
    if (err == 0)
        err = machine_flash(vm->machine, e);
    if (err == 0)
        err = machine_boot_open(vm->machine, e);
    if (err == 0)
        err = machine_fwcfg_items(vm->machine, e);
    if (err == 0)
        err = fwcfg_host_connect(vm, e);
    return err < 0 ? err : machine_event(vm, TN_ON_DEVICES, 0, e);
}
