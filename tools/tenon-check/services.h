/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables that the strict host gives to plugins, each defined in the file of its service. */
#ifndef TENON_CHECK_SERVICES_H
#define TENON_CHECK_SERVICES_H
#include <tenon/acpi.h>
#include <tenon/block.h>
#include <tenon/chardev.h>
#include <tenon/core.h>
#include <tenon/dma.h>
#include <tenon/fdt.h>
#include <tenon/fwcfg.h>
#include <tenon/hotplug.h>
#include <tenon/input.h>
#include <tenon/intc.h>
#include <tenon/irq.h>
#include <tenon/loop.h>
#include <tenon/machine.h>
#include <tenon/memory.h>
#include <tenon/mmio-slot.h>
#include <tenon/net.h>
#include <tenon/os.h>
#include <tenon/pci-bus.h>
#include <tenon/pci.h>
#include <tenon/region.h>
#include <tenon/rng.h>
#include <tenon/shadow.h>
#include <tenon/state.h>
#include <tenon/trace.h>
#include <tenon/virtio-serial.h>
#include <tenon/virtio.h>

struct service {
    const char *id;
    const void *table;
};
extern const struct service services[]; /* ends with id NULL */

extern const struct tn_core core_table;
extern const struct tn_loop loop_table;
extern const struct tn_os os_table;
extern const struct tn_regions region_table;
extern const struct tn_irq irq_table;
extern const struct tn_intc intc_table;
extern const struct tn_dma dma_table;
extern const struct tn_memory memory_table;
extern const struct tn_machine machine_table;
extern const struct tn_chardev chardev_table;
extern const struct tn_chr_feed chr_feed_table;
extern const struct tn_block block_table;
extern const struct tn_blk_feed block_feed_table;
extern const struct tn_netdev netdev_table;
extern const struct tn_net_feed net_feed_table;
extern const struct tn_net_filters net_filters_table;
extern const struct tn_input input_table;
extern const struct tn_trace trace_table;
extern const struct tn_stream stream_table;
extern const struct tn_pci pci_table;
extern const struct tn_pci_bus pci_bus_table;
extern const struct tn_hotplug hotplug_table;
extern const struct tn_shadow shadow_table;
extern const struct tn_acpi acpi_table;
extern const struct tn_fdt fdt_table;
extern const struct tn_fwcfg fwcfg_table;

#endif
