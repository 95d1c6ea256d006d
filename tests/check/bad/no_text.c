/* SPDX-License-Identifier: BSD-2-Clause */
/* No summary.
 * breaks: meta/texts
 * says: its summary */
#define PLUGIN .version = "1", .summary = NULL
#include "device.h"
