/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/fdt_host_impl.h"
#include "boot/microvm_fdt.h"
#include "util/alloc.h"
#include "vm/cpu.h"
#include "vm/machine.h"
#include <errno.h>

#define LAPIC_BASE 0xfee00000u

int fdt_host_base(struct vm *vm, uint64_t initrd_gpa, uint64_t initrd_len, struct buf *dtb,
                  struct tn_err *e)
{
    const struct machine *m = vm->machine;
    AUTO_FREE uint32_t *apic_ids = xcalloc(m->cpus ? m->cpus : 1, sizeof *apic_ids);
    for (uint32_t i = 0; i < m->cpus; i++)
        apic_ids[i] = m->cpu ? m->cpu[i].apic_id : i;
    AUTO_FREE char *cmdline = machine_cmdline(m);
    const struct microvm_fdt d = {
        .cmdline = *cmdline ? cmdline : NULL,
        .initrd_gpa = initrd_gpa,
        .initrd_len = initrd_len,
        .below_4g = m->map.ram_low,
        .above_4g = m->map.ram_high,
        .apic_ids = apic_ids,
        .n_cpus = m->cpus,
        .ioapic_base = m->map.ioapic_base,
        .lapic_base = LAPIC_BASE,
    };
    struct fdt *tree = microvm_fdt_build(&d);
    const char *why = NULL;
    size_t len = 0;
    const void *blob = fdt_tree_blob(tree, &len, &why);
    if (blob)
        buf_add(dtb, blob, len);
    int r = blob ? 0 : err_set(e, EINVAL, "device tree: %s", why);
    fdt_tree_free(tree);
    return r;
}
