/* SPDX-License-Identifier: BSD-2-Clause */
/* ACPI as a service: builders of devices, events, and the tables of this machine. */
#ifndef TN_HOST_ACPI_HOST_H
#define TN_HOST_ACPI_HOST_H
#include "core/device.h"
#include <tenon/acpi.h>

struct acpi *acpi_host_new(struct vm *vm);
void acpi_host_free(struct acpi *a); /* NULL is fine */
/* Builds everything from the machine and the devices as they are now, and writes it to guest memory at most at
 * limit bytes from gpa. *rsdp: its address. Main thread, at boot and at each reset. */
int acpi_host_build(struct vm *vm, uint64_t gpa, uint64_t limit, uint64_t *rsdp, struct tn_err *e);
extern const struct tn_acpi acpi_table;             /* TN_ACPI_1 */
extern const struct tn_acpi_build acpi_build_table; /* TN_ACPI_BUILD_1 */

#endif
