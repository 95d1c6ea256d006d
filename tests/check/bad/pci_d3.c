/* SPDX-License-Identifier: BSD-2-Clause */
/* Power states that cannot be written.
 * breaks: pci/d3hot
 * says: D3hot, which is mandatory */
#define PM_MASK {0}
#include "function.h"
