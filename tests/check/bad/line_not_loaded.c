/* SPDX-License-Identifier: BSD-2-Clause */
/* It does not drive its line when it was loaded.
 * breaks: irq/after-load
 * says: asserted after a load */
#define IN_POST_LOAD(s, e) return 0
#include "device.h"
