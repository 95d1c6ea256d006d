/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TENON_CHECK_HOST_TABLES_H
#define TENON_CHECK_HOST_TABLES_H
#include "host.h"

/* Runs every ACPI and device tree builder, as at boot. 0, or -errno of one with e. */
int host_build(struct host *h, struct tn_err *e);

#endif
