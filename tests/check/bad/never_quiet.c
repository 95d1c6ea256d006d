/* SPDX-License-Identifier: BSD-2-Clause */
/* A quiesce that never ends.
 * breaks: life/one-life
 * says: TN_PENDING */
#define IN_QUIESCE(s) return TN_PENDING
#include "device.h"
