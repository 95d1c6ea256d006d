/* SPDX-License-Identifier: BSD-2-Clause */
/* ACPI as a service: builders of devices, events, and the tables of this machine. */
#ifndef TN_HOST_ACPI_HOST_H
#define TN_HOST_ACPI_HOST_H
#include "core/device.h"
#include <tenon/acpi.h>

struct acpi *acpi_host_new(struct vm *vm);
void acpi_host_free(struct acpi *a); /* NULL is fine */
/* Builds everything from the machine and the devices as they are now, and writes it to guest memory
 * at most at limit bytes from gpa, a multiple of 64; blobs of tenon.fwcfg follow the tables. *rsdp:
 * its address. 0 or -errno with e. For a guest that is started without firmware. Main thread, no
 * device lock held, at boot and at each reset. */
int acpi_host_build(struct vm *vm, uint64_t gpa, uint64_t limit, uint64_t *rsdp, struct tn_err *e);
/* The same for firmware, which places the tables itself: as fw_cfg files "etc/acpi/tables",
 * "etc/acpi/rsdp" and "etc/table-loader". Nothing without fw_cfg. Before the fw_cfg device is
 * reset. */
int acpi_host_publish(struct vm *vm, struct tn_err *e);
/* Where a guest that acpi_host_build() was for wants to wake, below 1 MiB: it is read from the
 * tables, which are the guest's by now. -EINVAL with e. */
int acpi_host_waking_vector(struct vm *vm, uint64_t rsdp, uint32_t *vector, struct tn_err *e);
extern const struct tn_acpi acpi_host_table;        /* TN_ACPI_1 */
extern const struct tn_acpi_build acpi_build_table; /* TN_ACPI_BUILD_1 */

#endif
