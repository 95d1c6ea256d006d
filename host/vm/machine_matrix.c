/* SPDX-License-Identifier: BSD-2-Clause */
/* The enable matrix: for every device class of this build, whether it can be left out of a build,
 * whether a machine has it by default, and what switches it at run time. `tenon -M help-matrix`;
 * docs/devices.md repeats it, and a test compares. */
#include "core/registry.h"
#include "machine.h"
#include "util/buf.h"
#include <string.h>

#define ROW "| %-20s | %-18s | %-16s | %-25s |\n"

struct row {
    const char *cls, *by_default, *at_run_time;
};

/* What machines make by themselves. */
static const struct row rows[] = {
    {"isa-serial", "off", "-serial"},
    {"mc146818rtc", "on", "never off"},
    {"ioapic", "with a pin user", "through its users"},
    {"i8042", "off", "-M acpi=off, -M i8042="},
    {"ICH9-LPC", "on", "-M acpi="},
    {"acpi-ged", "on", "-M acpi="},
    {"i440FX", "on", "with -M pc"},
    {"PIIX3", "on", "with -M pc"},
    {"PIIX4_PM", "on", "-M pc,acpi="},
    {"mch", "on", "with the machine"},
    {"fw_cfg_io", "on", "with the machine"},
    {"cfi.pflash01", "off", "-drive if=pflash"},
    {"host-x86_64-cpu", "on", "-cpu, -smp"},
    {"max-x86_64-cpu", "off", "-cpu max"},
    {"base-x86_64-cpu", "off", "-cpu MODEL"},
    {"acpi-cpu-hotplug", "with several", "-smp maxcpus="},
    {"acpi-mem-hotplug", "off", "-m slots="},
    {"virtio-pci", "with its devices", "-device virtio-*-pci"},
    {"virtio-mmio", "with its devices", "-device virtio-*-device"},
    {"virtio-blk-pci", "off", "-device, -drive if=virtio"},
    {"virtio-blk-device", "off", "-device, -drive if=virtio"},
    {"virtio-net-pci", "off", "-device, -nic, -net nic"},
    {"virtio-net-device", "off", "-device, -nic, -net nic"},
};

static const struct row *row_of(const char *cls)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].cls, cls) == 0)
            return &rows[i];
    return NULL;
}

/* The named models are alike: one row, that of the base of all, stands for them. */
static int is_one_of_many(const struct class_entry *c)
{
    return c->cls && c->cls->category == TN_CAT_CPU && !row_of(c->name);
}

static int line(void *o, const struct class_entry *c)
{
    if (is_one_of_many(c))
        return 0;
    const struct row *r = row_of(c->name);
    buf_printf(o, ROW, c->name, c->file->own ? "no" : "yes (on)", r ? r->by_default : "off",
               r ? r->at_run_time : "-device");
    return 0;
}

void machine_matrix(struct vm *vm, struct buf *out)
{
    buf_printf(out, ROW, "Device", "Build configurable", "Default", "Run time");
    buf_str(out, "| -------------------- | ------------------ | ---------------- | "
                 "------------------------- |\n");
    registry_each(vm->registry, TN_K_DEVICE, line, out);
}
